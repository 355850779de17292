using System.Net.Sockets;
using System.Text;
using System.Text.Json.Nodes;
using PipeForkAs.LibC;
using AddressFamily = System.Net.Sockets.AddressFamily;
using SocketType = System.Net.Sockets.SocketType;

namespace PipeForkAs.EndToEnd.Harness;

/// <summary>A daemon whose executable is a copy that a test replaces. The test is its service manager.</summary>
internal sealed class UpgradableDaemon : IAsyncDisposable
{
    private static readonly TimeSpan Deadline = TimeSpan.FromSeconds(30);

    private readonly Socket notified;
    private readonly List<string> told = [];

    private UpgradableDaemon(DaemonProcess first, Socket notified, string executable)
    {
        First = first;
        Main = first.Pid;
        Executable = executable;
        this.notified = notified;
    }

    /// <summary>The daemon that was started first. All daemons log to its stderr.</summary>
    public DaemonProcess First { get; }

    /// <summary>The main process of the service.</summary>
    public int Main { get; private set; }

    /// <summary>The path of the executable.</summary>
    public string Executable { get; }

    /// <summary>The notifications since the last <see cref="MainChangedAsync"/>.</summary>
    public IReadOnlyList<string> Told => told;

    /// <summary>Starts the first one, and waits until it is ready.</summary>
    public static async Task<UpgradableDaemon> StartAsync(Action<JsonObject>? configure = null, bool hasManager = true)
    {
        (string folder, JsonObject configuration) = DaemonProcess.Prepare();
        configuration["Limits"]!["Cgroup"] = "required";
        configure?.Invoke(configuration);
        string executable = Path.Combine(folder, "pipeforkasd");
        File.Copy(NativeBuild.Daemon, executable);
        string address = Path.Combine(folder, "notify");
        var notified = new Socket(AddressFamily.Unix, SocketType.Dgram, ProtocolType.Unspecified);
        notified.Bind(new UnixDomainSocketEndPoint(address));
        string script = Path.Combine(folder, "start");
        File.WriteAllText(script, $"#!/bin/sh\n{(hasManager ? $"export NOTIFY_SOCKET={address}\n" : "")}exec {executable} \"$@\"\n");
        Libc.chmod(script, 0x1ED); // 0755
        DaemonProcess first = DaemonProcess.Launch(folder, configuration, script);
        await Crowd.ListeningAsync(first);
        return new UpgradableDaemon(first, notified, executable);
    }

    /// <summary>Replaces the executable, as a package does.</summary>
    /// <param name="content">The new content; null for another copy of the daemon.</param>
    public void Replace(string? content = null)
    {
        string fresh = Executable + ".new";
        if (content is null)
            File.Copy(NativeBuild.Daemon, fresh);
        else
            File.WriteAllText(fresh, content);
        Libc.chmod(fresh, 0x1ED); // 0755
        File.Move(fresh, Executable, overwrite: true);
    }

    /// <summary>Requests a reload from the main process.</summary>
    public void Reload() => Libc.kill(new ProcessId(Main), Signal.SIGHUP);

    /// <summary>Replaces the executable and waits until another process is the main process and notifies that it is ready.</summary>
    public async Task UpgradeAsync()
    {
        Replace();
        Reload();
        await MainChangedAsync();
    }

    /// <summary>Waits until another process is the main process and notifies that it is ready.</summary>
    public async Task MainChangedAsync()
    {
        using var deadline = new CancellationTokenSource(Deadline);
        told.Clear();
        int? fresh = null;
        var buffer = new byte[4096];
        while (true)
        {
            int count;
            try
            {
                count = await notified.ReceiveAsync(buffer, deadline.Token);
            }
            catch (OperationCanceledException)
            {
                throw new TimeoutException($"no new main process after {string.Join(", ", told)}: {First.Log}");
            }

            string text = Encoding.UTF8.GetString(buffer, 0, count);
            told.Add(text);
            if (text.Split("MAINPID=") is [_, var pid])
                fresh = int.Parse(pid, System.Globalization.CultureInfo.InvariantCulture);
            else if (fresh is { } changed && text == "READY=1")
            {
                Main = changed;
                return;
            }
        }
    }

    /// <summary>Waits until a process has ended and was reaped.</summary>
    public static Task EndedAsync(int pid) => Bound.UntilAsync(() => !ProcFs.IsAlive(pid), () => $"process {pid} lives still");

    /// <summary>Stops the service as systemd does. Nothing may be left.</summary>
    public async Task StopAsync()
    {
        int[] family = [First.Pid, Main, .. ProcFs.Descendants(First.Pid), .. ProcFs.Descendants(Main)];
        Libc.kill(new ProcessId(Main), Signal.SIGTERM);
        foreach (int pid in family.Distinct())
            await EndedAsync(pid);
    }

    public async ValueTask DisposeAsync()
    {
        foreach (int pid in new[] { First.Pid, Main }.Concat(ProcFs.Descendants(Main)).Distinct().Where(ProcFs.IsAlive))
            Libc.kill(new ProcessId(pid), Signal.SIGKILL);
        await First.DisposeAsync();
        notified.Dispose();
    }
}
