using System.Diagnostics;
using System.Globalization;
using PipeForkAs.Daemon.Configuration;
using PipeForkAs.Daemon.Fairness;
using PipeForkAs.Daemon.Forking;
using PipeForkAs.Daemon.Isolation;
using PipeForkAs.Daemon.Logging;
using PipeForkAs.Daemon.Processes;
using PipeForkAs.Daemon.Tests.Fakes;
using PipeForkAs.Daemon.Untrusted;
using PipeForkAs.LibC;

namespace PipeForkAs.Daemon.Tests.Forking;

/// <summary>A fake job host with a manual clock and access to its state. At the end of a test none of its processes is left.</summary>
/// <param name="fakes">The fakes.</param>
public abstract class JobHostHarness(FakeHosts fakes) : IClassFixture<FakeHosts>, IAsyncDisposable
{
    private protected static readonly TimeSpan Minute = TimeSpan.FromMinutes(1);

    private readonly ChildReaper reaper = new(static failure => throw failure);
    private LoopThread? loop;
    private JobHostPool? host;

    private protected ManualTime Time { get; } = new();

    private protected LogLines Log { get; } = new();

    /// <summary>The loop, once a host was started.</summary>
    private protected LoopThread Loop => loop!;

    /// <summary>The host, once it was started.</summary>
    private protected JobHostPool Host => host!;

    public async ValueTask DisposeAsync()
    {
        if (host is not null)
        {
            Task stopped = Loop.RunAsync(host.StopAsync);
            await UntilAsync(() => stopped.IsCompleted);
        }

        await UntilAsync(() => Children().Count == 0);
        loop?.Dispose();
        GC.SuppressFinalize(this);
    }

    private protected async Task StartAsync(string behaviour, int workers, int processes = 1, int? maxWorkers = null)
    {
        loop = new LoopThread(Time);
        var options = new JobHostOptions
        {
            Path = behaviour.StartsWith('/') ? behaviour : fakes.Path(behaviour),
            Workers = workers,
            MaxWorkers = maxWorkers,
            Processes = processes,
        };
        var descriptors = new DescriptorCheck(loop.Loop, reaper, byDaemon: false, Log, static _ => { });
        host = new JobHostPool(new HostContext(loop.Loop, reaper, descriptors, Log), options, static _ => { });
        Task started = loop.RunAsync(() => host.StartAsync(new SweepIsolation(loop.Loop, reaper, Log)));
        await UntilAsync(() => started.IsCompleted || behaviour == "silent");
        await started;
    }

    private protected Task<ForkedWorker> TakeAsync() =>
        Loop.RunAsync(() => Host.TakeAsync(Bucket.WithoutAccount, Minute, forRoot: false).AsTask());

    /// <summary>A separate process starts meanwhile, and the reaper detects its failure.</summary>
    private protected async Task<ForkedWorker> TakeForRootAsync()
    {
        Task<ForkedWorker> taking = Loop.RunAsync(() => Host.TakeAsync(Bucket.WithoutAccount, Minute, forRoot: true).AsTask());
        await UntilAsync(() => taking.IsCompleted);
        return await taking;
    }

    /// <summary>Waits, and reaps children meanwhile as the daemon does at SIGCHLD.</summary>
    private protected async Task UntilAsync(Func<bool> condition, Action? each = null)
    {
        for (long start = Stopwatch.GetTimestamp(); !condition(); each?.Invoke())
        {
            Assert.True(Stopwatch.GetElapsedTime(start) < TimeSpan.FromSeconds(20), "it does not come");
            await Loop.RunAsync(() => _ = reaper.Sweep());
            await Task.Delay(2, TestContext.Current.CancellationToken);
        }
    }

    /// <summary>
    /// Ends a worker, waits for its job host to end, and handles that end before it reads the last messages of the job host.
    /// </summary>
    private protected Task EndWithItsHostAsync(ForkedWorker worker) => Loop.RunAsync(() =>
    {
        int process = ParentOf(worker.Pid);
        Libc.kill(worker.Pid, Signal.SIGTERM);
        for (long start = Stopwatch.GetTimestamp(); ProcessEntry.Read(process) is { IsAlive: true }; Thread.Sleep(2))
            Assert.True(Stopwatch.GetElapsedTime(start) < TimeSpan.FromSeconds(20), "the job host does not end");
        _ = reaper.Sweep();
    });

    private protected static string CommandLine(int pid) =>
        File.ReadAllText(string.Create(CultureInfo.InvariantCulture, $"/proc/{pid}/cmdline"));

    private protected static bool Exists(ProcessId pid) =>
        Directory.Exists(string.Create(CultureInfo.InvariantCulture, $"/proc/{pid.Value}"));

    private protected static int ParentOf(ProcessId pid) => ProcessEntry.Read(pid.Value)?.Parent ?? 0;

    private protected static List<int> Children() => Children(Environment.ProcessId);

    private protected static List<int> Children(int parent) =>
        [.. ProcessEntry.All().Where(process => process.Parent == parent && process.IsAlive).Select(process => process.Pid)];
}
