using Microsoft.Extensions.Logging;
using PipeForkAs.Daemon.Configuration;
using PipeForkAs.Daemon.EventLoop;
using PipeForkAs.Daemon.Isolation;
using PipeForkAs.LibC;
using PipeForkAs.Protocol.Client;

namespace PipeForkAs.Daemon.Forking;

/// <summary>
/// A registered executable that holds job functions: its processes, which fork workers, and the pool of these. A process that dies is
/// started again; requests that ran in its workers end with <c>host-lost</c>, those that still waited for a worker go on waiting.
/// </summary>
internal sealed class JobHost : IHostProcessOwner
{
    private static readonly TimeSpan LongestPause = TimeSpan.FromSeconds(10);

    private readonly Loop loop;
    private readonly ChildReaper reaper;
    private readonly JobHostOptions options;
    private readonly ILogger logger;
    private readonly List<HostProcess> processes = [];
    private readonly WorkerPool pool, rootPool;
    private readonly TaskCompletionSource started = new();
    private JobIsolation isolation = null!; // From the start on.
    private int failedStarts;
    private bool stopped;

    public JobHost(Loop loop, ChildReaper reaper, JobHostOptions options, ILogger logger)
    {
        this.loop = loop;
        this.reaper = reaper;
        this.options = options;
        this.logger = logger;
        pool = new WorkerPool(loop, options.Path, options.Workers, processes, forRoot: false, logger);

        // Seldom needed, and not to lie ready: nobody but these keeps what root may do.
        rootPool = new WorkerPool(loop, options.Path, size: 0, processes, forRoot: true, logger);
    }

    /// <summary>The executable.</summary>
    public string Path => options.Path;

    /// <summary>The jobs that it holds.</summary>
    public IReadOnlyList<JobDescription> Jobs { get; private set; } = [];

    /// <summary>Whether one of its processes can fork, and answers.</summary>
    public bool IsWell => processes.Exists(static process => process.IsWell);

    /// <summary>Workers that wait for a request.</summary>
    public int ReadyWorkers => pool.Ready;

    /// <summary>Workers that shall wait for a request.</summary>
    public int WantedWorkers => options.Workers;

    /// <summary>Its processes.</summary>
    public IEnumerable<ProcessId> Pids => processes.Select(process => process.Pid);

    /// <summary>Called when a process of it became ready: its jobs may be others now.</summary>
    public Action? JobsChanged { get; set; }

    /// <summary>Starts its processes and waits until all of them can fork.</summary>
    /// <exception cref="JobHostException">It cannot serve; the message says why.</exception>
    public Task StartAsync(JobIsolation jobIsolation)
    {
        isolation = jobIsolation;
        for (int i = 0; i < options.Processes; i++)
            StartProcess();
        return started.Task;
    }

    /// <summary>A worker that waits for its order.</summary>
    /// <param name="timeout">How long it may take.</param>
    /// <param name="forRoot">Whether its order grants root.</param>
    /// <exception cref="JobHostException">The fork failed, or took too long.</exception>
    public ValueTask<ForkedWorker> TakeAsync(TimeSpan timeout, bool forRoot) => Pool(forRoot).TakeAsync(timeout);

    /// <summary>Has the workers forked that are missing. To be called when a request has its answer: until then its worker has the processor.</summary>
    public void FillPool() => pool.Fill();

    /// <summary>Ends its processes and their workers.</summary>
    public Task StopAsync()
    {
        stopped = true;
        pool.Close();
        rootPool.Close();
        return Task.WhenAll(processes.ToArray().Select(process => process.StopAsync()));
    }

    void IHostProcessOwner.BecameReady(HostProcess process)
    {
        Jobs = process.Jobs;
        Log.JobHostReady(logger, Path, process.Pid.Value, Jobs.Count);
        JobsChanged?.Invoke();
        pool.Fill();
        rootPool.Fill();
        if (processes.Count(one => one.IsReady) == options.Processes)
            started.TrySetResult();
    }

    void IHostProcessOwner.Forked(ForkedWorker worker)
    {
        failedStarts = 0;
        Pool(worker.IsForRoot).Add(worker);
    }

    void IHostProcessOwner.ForkFailed(string reason, bool forRoot)
    {
        Log.ForkFailed(logger, Path, reason);
        Pool(forRoot).Miss(reason);
    }

    void IHostProcessOwner.WorkerEnded(ForkedWorker worker) => pool.NoticeEnd(worker);

    void IHostProcessOwner.Lost(HostProcess process, string reason)
    {
        processes.Remove(process);
        pool.Weed();
        StartAgain(reason, process.HasForked);
    }

    private WorkerPool Pool(bool forRoot) => forRoot ? rootPool : pool;

    private void StartProcess()
    {
        try
        {
            var process = HostProcess.Start(loop, reaper, isolation, Path, this);
            processes.Add(process);
            process.Begin();
        }
        catch (SystemCallException failure)
        {
            StartAgain($"it cannot be started: {failure.Message}", wasOfUse: false);
        }
    }

    /// <summary>At once where the process was of use; else later and later.</summary>
    private void StartAgain(string reason, bool wasOfUse)
    {
        if (stopped)
            return;
        if (!started.Task.IsCompleted)
        {
            started.SetException(new JobHostException($"the job host {Path} cannot serve: {reason}"));
            return;
        }

        TimeSpan pause = wasOfUse ? TimeSpan.Zero : TimeSpan.FromMilliseconds(Math.Min(LongestPause.TotalMilliseconds, 100 << Math.Min(failedStarts++, 10)));
        Log.JobHostLost(logger, Path, reason, pause.TotalSeconds);

        // What waits for workers may have others to get them from.
        pool.Fill();
        loop.Schedule(pause, () =>
        {
            if (!stopped)
                StartProcess();
        });
    }
}
