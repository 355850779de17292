using System.Diagnostics;
using System.Text;
using System.Text.Json.Nodes;
using PipeForkAs.LibC;

namespace PipeForkAs.EndToEnd.Harness;

/// <summary>A real daemon with its own configuration and folder.</summary>
internal sealed class DaemonProcess : IAsyncDisposable
{
    private static readonly TimeSpan Deadline = TimeSpan.FromSeconds(30);
    private readonly StringBuilder log = new();
    private readonly Process process;
    private bool stopped;

    private DaemonProcess(Process process, string folder)
    {
        this.process = process;
        Folder = folder;
    }

    /// <summary>A folder of root that all users can enter: the socket, the configuration.</summary>
    public string Folder { get; }

    public string Socket => Path.Combine(Folder, "pipeforkas.sock");

    public int Pid => process.Id;

    public bool HasEnded => process.HasExited;

    /// <summary>The children of the daemon: the job hosts.</summary>
    public IReadOnlyList<int> JobHosts => ProcFs.Children(Pid);

    /// <summary>Its log so far.</summary>
    public string Log
    {
        get
        {
            lock (log)
                return log.ToString();
        }
    }

    /// <summary>Creates the folder and the configuration: stock and test jobs, short grace periods. Starts nothing.</summary>
    public static (string Folder, JsonObject Configuration) Prepare()
    {
        string folder = Directory.CreateTempSubdirectory(Leftovers.OwnFolderPrefix).FullName;
        Libc.chmod(folder, 0x1ED); // 0755
        var configuration = new JsonObject
        {
            ["Socket"] = new JsonObject { ["Path"] = Path.Combine(folder, "pipeforkas.sock") },
            ["JobHosts"] = new JsonArray(
                new JsonObject { ["Path"] = NativeBuild.StockJobs, ["Workers"] = 2 },
                new JsonObject { ["Path"] = NativeBuild.TestJobs, ["Workers"] = 2 }),
            ["Commands"] = new JsonObject(),
            ["Limits"] = new JsonObject
            {
                ["KillGrace"] = "00:00:01",
                ["DrainTimeout"] = "00:00:10",
                ["RootReserve"] = 0,
                ["Worker"] = new JsonObject { ["PidsMax"] = 4096 },
            },
        };
        return (folder, configuration);
    }

    /// <summary>Starts a daemon and waits until it listens.</summary>
    public static async Task<DaemonProcess> StartAsync(Action<JsonObject>? configure = null)
    {
        (string folder, JsonObject configuration) = Prepare();
        configure?.Invoke(configuration);
        DaemonProcess daemon = Launch(folder, configuration);
        var waited = Stopwatch.StartNew();
        while (!daemon.Log.Contains("listening on", StringComparison.Ordinal))
        {
            if (daemon.HasEnded || waited.Elapsed > Deadline)
            {
                await daemon.DisposeAsync();
                throw new InvalidOperationException($"the daemon does not listen: {daemon.Log}");
            }

            await Task.Delay(20);
        }

        return daemon;
    }

    /// <summary>Starts a daemon without waiting for anything.</summary>
    public static DaemonProcess Launch(string folder, JsonObject configuration, string? program = null)
    {
        string file = Path.Combine(folder, "pipeforkas.json");
        File.WriteAllText(file, configuration.ToJsonString());
        Libc.chmod(file, 0x1A4); // 0644
        return LaunchProgram(folder, program ?? NativeBuild.Daemon, "--config", file);
    }

    /// <summary>Starts a daemon with these arguments.</summary>
    public static DaemonProcess Launch(string folder, params string[] arguments) => LaunchProgram(folder, NativeBuild.Daemon, arguments);

    private static DaemonProcess LaunchProgram(string folder, string program, params string[] arguments)
    {
        var daemon = new DaemonProcess(
            new Process
            {
                StartInfo = new ProcessStartInfo(program, arguments) { RedirectStandardError = true, RedirectStandardInput = true },
            },
            folder);
        daemon.process.ErrorDataReceived += (_, line) => daemon.Append(line.Data);
        daemon.process.Start();
        daemon.process.BeginErrorReadLine();
        daemon.process.StandardInput.Close();
        return daemon;
    }

    /// <summary>Waits for the daemon to end by itself and returns its exit code.</summary>
    public async Task<int> EndedAsync()
    {
        using var deadline = new CancellationTokenSource(Deadline);
        try
        {
            await process.WaitForExitAsync(deadline.Token);
        }
        catch (OperationCanceledException)
        {
            throw new TimeoutException($"the daemon does not end: {Log}");
        }

        return process.ExitCode;
    }

    /// <summary>Stops it as systemd does. Returns its exit code. Nothing of it may be left.</summary>
    /// <param name="mayHang">Whether processes may be left that hang in the kernel.</param>
    public async Task<int> StopAsync(bool mayHang = false)
    {
        int[] family = [.. ProcFs.Descendants(Pid)];
        Libc.kill(new ProcessId(Pid), Signal.SIGTERM);
        int code = await EndedAsync();
        stopped = true;

        // init reaps zombies without a parent.
        string[] left = [
            .. family.Where(pid => ProcFs.IsAlive(pid) && !(mayHang && ProcFs.Stat(pid) is { State: 'D' })).Select(
                pid => $"{pid} {ProcFs.Stat(pid)}")];
        return left.Length == 0
            ? code
            : throw new InvalidOperationException($"processes {string.Join(", ", left)} outlived the daemon: {Log}");
    }

    public async ValueTask DisposeAsync()
    {
        try
        {
            if (!stopped && !process.HasExited)
            {
                int[] family = [.. ProcFs.Descendants(Pid)];
                Libc.kill(new ProcessId(Pid), Signal.SIGTERM);
                using var deadline = new CancellationTokenSource(Deadline);
                try
                {
                    await process.WaitForExitAsync(deadline.Token);
                }
                catch (OperationCanceledException)
                {
                    process.Kill();
                    foreach (int pid in family)
                        Libc.kill(new ProcessId(pid), Signal.SIGKILL);
                }
            }
        }
        finally
        {
            process.Dispose();
            Directory.Delete(Folder, recursive: true);
        }
    }

    private void Append(string? line)
    {
        lock (log)
            log.Append(line).Append('\n');
        LongestTurns.Note(line);
    }
}
