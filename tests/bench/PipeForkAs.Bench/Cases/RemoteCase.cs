using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Net.Sockets;
using PipeForkAs.Bench.Contenders;
using PipeForkAs.EndToEnd.Harness;
using PipeForkAs.LibC;

namespace PipeForkAs.Bench.Cases;

/// <summary>What a request through ssh costs beside a command through ssh. Both use one shared connection (ControlMaster) to an sshd of
/// this machine, as the benchmark's user: the shell of root can have slow files at its start.
/// </summary>
internal static class RemoteCase
{
    public const string Name = "pipeforkas -H host run id";

    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);

    /// <summary>Returns null if there is no sshd.</summary>
    public static async Task<Comparison?> RunAsync(Place place)
    {
        if (Tool.Find("sshd") is not { } program || Tool.Find("ssh") is not { } ssh)
            return null;
        await using Server daemon = await Daemon.StartAsync(place);
        string folder = Directory.CreateDirectory(place.Fresh("ssh")).FullName;
        int port = FreePort();
        await ConfigureAsync(place, folder, ssh, port, daemon.Socket);
        string path = Environment.GetEnvironmentVariable("PATH") ?? "";
        using Process server = Process.Start(new ProcessStartInfo(
            "unshare",
            [
                "--mount", "--propagation", "private", "sh", "-c",
                $"mount -t tmpfs tmpfs /run && mkdir -m 755 /run/sshd && exec {program} -D -f {folder}/sshd_config",
            ]))!;
        try
        {
            Environment.SetEnvironmentVariable("PATH", $"{folder}:{path}");
            await ReachesAsync(place, folder);
            return await Comparison.RunAsync(
                place, "Through ssh with a shared connection, one client", place.Settings.Rounds,
                [
                    Entrant(place, "ssh host true", ["-b", "0"], $"{folder}/ssh", "host", "true"),
                    Entrant(place, "ssh host id", ["-e", $"uid={place.User.Uid}"], $"{folder}/ssh", "host", "id"),
                    Entrant(
                        place, Name, ["-e", $"uid={place.User.Uid}"],
                        place.Native("pipeforkas"), "-H", "host", "run", "-n", "id"),
                ]);
        }
        finally
        {
            await Tool.RunAsync([$"{folder}/ssh", "-O", "exit", "host"], CancellationToken.None);
            Environment.SetEnvironmentVariable("PATH", path);
            int[] family = [server.Id, .. ProcFs.Descendants(server.Id)];
            foreach (int pid in family)
                Libc.kill(new ProcessId(pid), Signal.SIGTERM);
            await server.WaitForExitAsync(CancellationToken.None);
        }
    }

    private static Entrant Entrant(Place place, string name, string[] reply, params string[] command) => new(
        name,
        [
            "-n", place.Settings.Requests.ToString(CultureInfo.InvariantCulture),
            "-t", (place.Settings.RoundSeconds * 2).ToString(CultureInfo.InvariantCulture), "-w", "3", .. reply, "--", .. command,
        ]);

    /// <summary>Writes keys, both configurations, and an ssh that uses them, in the folder.</summary>
    private static async Task ConfigureAsync(Place place, string folder, string ssh, int port, string socket)
    {
        // sshd refuses an account whose password is locked, as useradd(8) leaves it.
        await Tool.MustAsync("usermod", "--password", "*", place.User.Name);
        foreach (string key in (string[])["host_key", "key"])
            await Tool.MustAsync("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", $"{folder}/{key}");
        string number = port.ToString(CultureInfo.InvariantCulture);
        await File.WriteAllTextAsync(
            $"{folder}/sshd_config",
            $"""
            Port {number}
            ListenAddress 127.0.0.1
            HostKey {folder}/host_key
            PidFile none
            AuthorizedKeysFile {folder}/key.pub
            StrictModes no
            UsePAM no
            PrintMotd no
            SetEnv PATH={Path.GetDirectoryName(place.Native("pipeforkas"))}:/usr/bin:/bin PIPEFORKAS_SOCKET={socket}

            """,
            place.Cancellation);
        await File.WriteAllTextAsync(
            $"{folder}/config",
            $"""
            Host host
              HostName 127.0.0.1
              Port {number}
              User {place.User.Name}
              IdentityFile {folder}/key
              IdentitiesOnly yes
              StrictHostKeyChecking accept-new
              UserKnownHostsFile {folder}/known_hosts
              ControlMaster auto
              ControlPath {folder}/%C
              ControlPersist 600

            """,
            place.Cancellation);
        await File.WriteAllTextAsync($"{folder}/ssh", $"#!/bin/sh\nexec {ssh} -F {folder}/config \"$@\"\n", place.Cancellation);
        Libc.chmod($"{folder}/ssh", 0x1ED); // 0755
    }

    /// <summary>Makes the shared connection, when the server listens.</summary>
    private static async Task ReachesAsync(Place place, string folder)
    {
        var waited = Stopwatch.StartNew();
        while (true)
        {
            // Its master would keep the pipes of this process open.
            ToolResult result = await Tool.RunAsync(
                ["sh", "-c", $"{folder}/ssh host true >/dev/null 2>{folder}/error"], place.Cancellation);
            if (result.ExitCode == 0)
                return;
            if (waited.Elapsed > Patience)
                throw new InvalidOperationException($"ssh: {await File.ReadAllTextAsync($"{folder}/error", place.Cancellation)}");
            await Task.Delay(50, place.Cancellation);
        }
    }

    private static int FreePort()
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        return ((IPEndPoint)listener.LocalEndpoint).Port;
    }
}
