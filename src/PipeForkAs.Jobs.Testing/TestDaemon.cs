using System.Diagnostics;
using System.Text;
using System.Text.Json.Nodes;
using PipeForkAs.LibC;

namespace PipeForkAs.Jobs.Testing;

/// <summary>A real daemon for tests that run as root: with a socket, a configuration and a folder of its own, beside a daemon that the
/// machine may run. Its job hosts fork workers, which become the users of the requests. Dispose it: a process that is killed leaves the
/// daemon running.
/// </summary>
/// <example>
/// <code>
/// Assert.SkipWhen(TestDaemon.Obstacle() is { } reason, $"there is no daemon for this test: {reason}");
/// await using TestDaemon daemon = await TestDaemon.StartAsync(new TestDaemonOptions { JobHosts = ["publish/panel-jobs"] });
/// JobOutput greeted = await daemon.Client.CaptureAsync(new JobRequest("motto") { User = "alice" });
/// </code>
/// </example>
public sealed class TestDaemon : IAsyncDisposable
{
    private const UnixFileMode ForAll = UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.GroupRead | UnixFileMode.OtherRead;
    private const UnixFileMode Executable = ForAll | UnixFileMode.UserExecute | UnixFileMode.GroupExecute | UnixFileMode.OtherExecute;
    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(20);

    private readonly StringBuilder log = new();
    private readonly Process process;
    private readonly string folder;
    private readonly TimeSpan patience;

    private TestDaemon(string folder, string program, string configuration, TimeSpan patience)
    {
        this.folder = folder;
        this.patience = patience;
        SocketPath = Path.Combine(folder, "pipeforkas.sock");
        Client = new PipeForkAsClient(SocketPath);
        process = new Process
        {
            StartInfo = new ProcessStartInfo(program, ["--config", configuration])
            {
                RedirectStandardError = true,
                RedirectStandardInput = true,
            },
        };
        process.ErrorDataReceived += (_, line) =>
        {
            lock (log)
                log.Append(line.Data).Append('\n');
        };
    }

    /// <summary>A client for the daemon's socket. It calls as root, which may not run jobs as root: name a user in each request.</summary>
    public PipeForkAsClient Client { get; }

    /// <summary>The path of the daemon's socket, which every user may connect to.</summary>
    public string SocketPath { get; }

    /// <summary>The daemon's process id.</summary>
    public int ProcessId => process.Id;

    /// <summary>What the daemon has logged so far.</summary>
    public string Log
    {
        get
        {
            lock (log)
                return log.ToString();
        }
    }

    /// <summary>Returns why no daemon can start here, to skip a test: the process is not root, or there is no such program. Null if one
    /// can.
    /// </summary>
    /// <param name="program">As <see cref="TestDaemonOptions.Program"/>.</param>
    public static string? Obstacle(string program = "pipeforkasd")
    {
        ArgumentException.ThrowIfNullOrEmpty(program);
        if (Libc.geteuid() != UserId.Root)
            return "only root can start a daemon that changes users";
        return Find(program) is null ? $"there is no program {program}" : null;
    }

    /// <summary>Starts a daemon and waits until it answers.</summary>
    /// <param name="options">What it runs; null for the stock jobs.</param>
    /// <param name="cancellationToken">Ends the wait; the daemon is then stopped.</param>
    /// <exception cref="InvalidOperationException">
    /// No daemon can start here (<see cref="Obstacle"/>), or it ended or did not answer in time; the message has its log.
    /// </exception>
    /// <exception cref="IOException">The files of the daemon cannot be written, or a job host cannot be copied.</exception>
    public static async Task<TestDaemon> StartAsync(TestDaemonOptions? options = null, CancellationToken cancellationToken = default)
    {
        options ??= new TestDaemonOptions();
        if (Obstacle(options.Program) is { } obstacle)
            throw new InvalidOperationException(obstacle);

        string folder = Directory.CreateTempSubdirectory("pipeforkas-test-").FullName;
        TestDaemon daemon;
        try
        {
            File.SetUnixFileMode(folder, Executable);
            daemon = new TestDaemon(folder, Find(options.Program)!, Configure(folder, options), options.Patience);
        }
        catch
        {
            Directory.Delete(folder, recursive: true);
            throw;
        }

        try
        {
            daemon.process.Start();
            daemon.process.BeginErrorReadLine();
            daemon.process.StandardInput.Close();
            await daemon.AnswersAsync(cancellationToken).ConfigureAwait(false);
            return daemon;
        }
        catch
        {
            await daemon.DisposeAsync().ConfigureAwait(false);
            throw;
        }
    }

    /// <summary>Stops the daemon as systemd does, with SIGTERM; jobs get the time that <c>Limits:DrainTimeout</c> allows.</summary>
    /// <returns>The exit code; 0 if the daemon stopped in order.</returns>
    /// <exception cref="InvalidOperationException">It did not stop in time.</exception>
    public async Task<int> StopAsync()
    {
        if (!process.HasExited)
        {
            Libc.kill(new ProcessId(process.Id), Signal.SIGTERM);
            using var deadline = new CancellationTokenSource(patience);
            try
            {
                await process.WaitForExitAsync(deadline.Token).ConfigureAwait(false);
            }
            catch (OperationCanceledException)
            {
                throw new InvalidOperationException($"the daemon did not stop in {patience.TotalSeconds:0.###} s:\n{Log}");
            }
        }

        return process.ExitCode;
    }

    /// <summary>Stops the daemon, kills it if it does not stop in time, and removes its folder.</summary>
    public async ValueTask DisposeAsync()
    {
        try
        {
            if (IsStarted())
                await StopAsync().ConfigureAwait(false);
        }
        catch (InvalidOperationException)
        {
            // It does not stop. Its job hosts and workers end with it: the kernel kills them when their parent dies.
            process.Kill();
            await process.WaitForExitAsync().ConfigureAwait(false);
        }
        finally
        {
            process.Dispose();
            if (Directory.Exists(folder))
                Directory.Delete(folder, recursive: true);
        }
    }

    private static string? Find(string program)
    {
        if (program.Contains('/', StringComparison.Ordinal))
            return File.Exists(program) ? Path.GetFullPath(program) : null;
        IEnumerable<string> folders = (Environment.GetEnvironmentVariable("PATH") ?? "")
            .Split(':', StringSplitOptions.RemoveEmptyEntries).Concat(["/usr/sbin", "/usr/libexec/pipeforkas"]);
        return folders.Select(folder => Path.Combine(folder, program)).FirstOrDefault(File.Exists);
    }

    /// <summary>Writes the configuration, and copies the job hosts. Returns the path of the configuration.</summary>
    private static string Configure(string folder, TestDaemonOptions options)
    {
        var configuration = new JsonObject
        {
            ["Socket"] = new JsonObject { ["Path"] = Path.Combine(folder, "pipeforkas.sock"), ["Mode"] = "0666" },
        };
        if (options.JobHosts.Count > 0)
            configuration["JobHosts"] = new JsonArray([.. options.JobHosts.Select((host, index) => Copy(host, folder, index))]);
        options.Configure?.Invoke(configuration);
        string file = Path.Combine(folder, "pipeforkas.json");
        File.WriteAllText(file, configuration.ToJsonString());
        File.SetUnixFileMode(file, ForAll);
        return file;
    }

    /// <summary>Copies a job host, which the daemon takes only from root's folders.</summary>
    private static JsonObject Copy(string host, string folder, int index)
    {
        string place = Directory.CreateDirectory(Path.Combine(folder, $"host-{index}"), Executable).FullName;
        string copy = Path.Combine(place, Path.GetFileName(host));
        File.Copy(host, copy);
        File.SetUnixFileMode(copy, Executable);
        return new JsonObject { ["Path"] = copy, ["Workers"] = 1 };
    }

    private async Task AnswersAsync(CancellationToken cancellationToken)
    {
        long start = Stopwatch.GetTimestamp();
        while (true)
        {
            try
            {
                await Client.ListAsync(cancellationToken).ConfigureAwait(false);
                return;
            }
            catch (PipeForkAsException notYet) when (notYet is ConnectionException or ReplyCutShortException)
            {
                if (process.HasExited || Stopwatch.GetElapsedTime(start) > patience)
                    throw new InvalidOperationException($"the daemon does not answer ({notYet.Message}):\n{Log}", notYet);
            }

            await Task.Delay(Pause, cancellationToken).ConfigureAwait(false);
        }
    }

    private bool IsStarted()
    {
        try
        {
            return process.Id > 0;
        }
        catch (InvalidOperationException)
        {
            return false; // It could not be started.
        }
    }
}
