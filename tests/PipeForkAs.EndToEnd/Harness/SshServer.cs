using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Text;
using PipeForkAs.LibC;

namespace PipeForkAs.EndToEnd.Harness;

/// <summary>
/// An sshd on loopback with its own keys, through which Alice logs in as Bob. It has its own mount namespace, because it needs /run/sshd.
/// Alice's configuration of ssh has these hosts: there, there with a shared connection (shared), there through itself (jump), and there
/// with a key that can only dial (restricted).
/// </summary>
internal sealed class SshServer : IAsyncDisposable
{
    private static int started;

    private readonly Process process;
    private readonly string folder;
    private readonly StringBuilder log = new();

    private SshServer(Process process, string folder, int port)
    {
        this.process = process;
        this.folder = folder;
        Port = port;
    }

    public int Port { get; }

    public int Pid => process.Id;

    /// <summary>A folder with an ssh that has these hosts for root too; for the beginning of PATH.</summary>
    public string Programs => Path.Combine(folder, "bin");

    /// <summary>What it has logged.</summary>
    public string Log
    {
        get
        {
            lock (log)
                return log.ToString();
        }
    }

    private static string SshFolder => Path.Combine(TestUsers.Entry(TestUsers.Alice).Home, ".ssh");

    /// <summary>Starts one for a daemon.</summary>
    /// <param name="daemon">The daemon, in whose folder are the files of the server.</param>
    /// <param name="native">The folder in which Bob finds the command; null for that of the tests.</param>
    /// <param name="settings">More lines of sshd_config(5).</param>
    public static async Task<SshServer> StartAsync(DaemonProcess daemon, string? native = null, string settings = "")
    {
        string folder = Directory.CreateDirectory(Path.Combine(daemon.Folder, $"ssh-{Interlocked.Increment(ref started)}")).FullName;
        int port = FreePort();
        foreach (string key in (string[])["host", "alice", "restricted"])
            await Tool.MustAsync("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", key, "-f", Path.Combine(folder, key));
        string open = await File.ReadAllTextAsync(Path.Combine(folder, "alice.pub"));
        string restricted = await File.ReadAllTextAsync(Path.Combine(folder, "restricted.pub"));
        await WriteAsync(Path.Combine(folder, "keys"), $"{open}restrict,command=\"pipeforkas dial\" {restricted}", 0x1A4); // 0644
        string config = Path.Combine(folder, "sshd_config");
        await WriteAsync(
            config,
            $"""
            Port {port.ToString(CultureInfo.InvariantCulture)}
            ListenAddress 127.0.0.1
            HostKey {folder}/host
            PidFile none
            AuthorizedKeysFile {folder}/keys
            StrictModes no
            UsePAM no
            {settings}
            PasswordAuthentication no
            PrintMotd no
            SetEnv PATH={native ?? NativeBuild.Folder}:/usr/bin:/bin PIPEFORKAS_SOCKET={daemon.Socket}

            """,
            0x180); // 0600

        // sshd refuses accounts that are locked; useradd locks them.
        await Tool.MustAsync("usermod", "-p", "*", TestUsers.Bob);
        await ConfigureAliceAsync(folder, port);
        await ConfigureRootAsync(folder, port);
        var server = new SshServer(
            Process.Start(new ProcessStartInfo(
                "unshare",
                [
                    "--mount", "--propagation", "private", "sh", "-c",
                    $"mount -t tmpfs tmpfs /run && mkdir -m 755 /run/sshd && exec /usr/sbin/sshd -D -e -f {config}",
                ])
            { RedirectStandardError = true })!,
            folder, port);
        server.process.ErrorDataReceived += (_, line) => server.Append(line.Data);
        server.process.BeginErrorReadLine();
        await Bound.UntilAsync(
            () => server.Log.Contains("Server listening", StringComparison.Ordinal) || server.process.HasExited, () => server.Log);
        return server.process.HasExited ? throw new InvalidOperationException(server.Log) : server;
    }

    /// <summary>Runs the command as Alice.</summary>
    public static Task<ToolResult> CommandAsync(IEnumerable<string> words, byte[]? input = null) =>
        Tool.RunAsAsync(TestUsers.Alice, ["env", "-u", "PIPEFORKAS_SOCKET", NativeBuild.Command, .. words], input);

    /// <summary>The dial processes of Bob.</summary>
    public static IReadOnlyList<int> Dials() =>
    [
        .. ProcFs.OfUsers([TestUsers.Entry(TestUsers.Bob).Uid]).Where(
            pid => ProcFs.CommandLine(pid).StartsWith("pipeforkas\0dial", StringComparison.Ordinal)),
    ];

    /// <summary>Waits until no process of Bob is left.</summary>
    public static Task BobHasNothingAsync() => Bound.UntilAsync(
        () => ProcFs.OfUsers([TestUsers.Entry(TestUsers.Bob).Uid]).Count == 0,
        () => ProcFs.Names(ProcFs.OfUsers([TestUsers.Entry(TestUsers.Bob).Uid])));

    public async ValueTask DisposeAsync()
    {
        int[] family = [Pid, .. ProcFs.Descendants(Pid)];
        foreach (int pid in family)
            Libc.kill(new ProcessId(pid), Signal.SIGTERM);
        await Bound.UntilAsync(() => !family.Any(ProcFs.IsAlive), () => $"sshd lives: {ProcFs.Names(family.Where(ProcFs.IsAlive))}");

        // Also shared connections, which outlive their command.
        foreach (int pid in ProcFs.Mentioning(folder + "/"))
            Libc.kill(new ProcessId(pid), Signal.SIGKILL);
        Leftovers.KillAll(TestUsers.Entry(TestUsers.Alice).Uid);
        Leftovers.KillAll(TestUsers.Entry(TestUsers.Bob).Uid);
        await Tool.MustAsync("usermod", "-p", "!", TestUsers.Bob);
        Directory.Delete(SshFolder, recursive: true);
        process.Dispose();
    }

    private static async Task ConfigureAliceAsync(string folder, int port)
    {
        Directory.CreateDirectory(SshFolder);
        string host = (await File.ReadAllTextAsync(Path.Combine(folder, "host.pub"))).Trim();
        string known = $"under-test {host}\n";
        await File.WriteAllTextAsync(Path.Combine(SshFolder, "known_hosts"), known);
        await File.WriteAllTextAsync(Path.Combine(folder, "known_hosts"), known);
        foreach (string key in (string[])["alice", "restricted"])
            File.Copy(Path.Combine(folder, key), Path.Combine(SshFolder, key));
        await WriteConfigurationAsync(SshFolder, port);
        await Tool.MustAsync("chown", "-R", TestUsers.Alice, SshFolder);
        await Tool.MustAsync("chmod", "-R", "u=rwX,go=", SshFolder);
    }

    private static async Task ConfigureRootAsync(string folder, int port)
    {
        await WriteConfigurationAsync(folder, port);
        Directory.CreateDirectory(Path.Combine(folder, "bin"));
        await WriteAsync(
            Path.Combine(folder, "bin", "ssh"), $"#!/bin/sh\nexec /usr/bin/ssh -F {folder}/config \"$@\"\n", 0x1ED); // 0755
    }

    private static Task WriteConfigurationAsync(string folder, int port) =>
        File.WriteAllTextAsync(
            Path.Combine(folder, "config"),
            $"""
            Host restricted
              IdentityFile {folder}/restricted
            Host shared
              ControlMaster auto
              ControlPath {folder}/shared-%C
              ControlPersist 60
            Host jump
              ProxyJump there
            Host *
              HostName 127.0.0.1
              HostKeyAlias under-test
              Port {port.ToString(CultureInfo.InvariantCulture)}
              User {TestUsers.Bob}
              IdentityFile {folder}/alice
              UserKnownHostsFile {folder}/known_hosts
              IdentitiesOnly yes
              IdentityAgent none
              StrictHostKeyChecking yes
              GlobalKnownHostsFile /dev/null

            """);

    private static async Task WriteAsync(string file, string content, uint mode)
    {
        await File.WriteAllTextAsync(file, content);
        Libc.chmod(file, mode);
    }

    private static int FreePort()
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        return ((IPEndPoint)listener.LocalEndpoint).Port;
    }

    private void Append(string? line)
    {
        lock (log)
            log.Append(line).Append('\n');
    }
}
