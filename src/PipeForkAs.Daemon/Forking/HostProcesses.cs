using Microsoft.Extensions.Logging;
using PipeForkAs.Daemon.Configuration;
using PipeForkAs.Daemon.EventLoop;
using PipeForkAs.Daemon.Fairness;
using PipeForkAs.Daemon.Isolation;
using PipeForkAs.Daemon.Logging;
using PipeForkAs.Daemon.Processes;
using PipeForkAs.Daemon.Untrusted;
using PipeForkAs.LibC;

namespace PipeForkAs.Daemon.Forking;

/// <summary>
/// The processes of a job host that fork workers of one kind, and the pool of these. Where a process dies, requests that ran in its workers end
/// with <c>host-lost</c>, and those that still waited for a worker go on waiting: it is started again.
/// </summary>
internal sealed class HostProcesses : IHostProcessOwner
{
    private static readonly TimeSpan LongestPause = TimeSpan.FromSeconds(10);

    private readonly Loop loop;
    private readonly ChildReaper reaper;
    private readonly DescriptorCheck descriptors;
    private readonly JobHostOptions options;
    private readonly bool forRoot;
    private readonly int wanted;
    private readonly string name;
    private readonly Action<HostProcess> becameReady;
    private readonly Action gone;
    private readonly ILogger logger;
    private readonly List<HostProcess> processes = [];
    private readonly WorkerPool pool;
    private readonly TaskCompletionSource started = new();
    private JobIsolation? isolation; // From the start on.
    private int failedStarts;
    private bool retired, stopped;

    private HostProcesses(
        Loop loop, ChildReaper reaper, DescriptorCheck descriptors, JobHostOptions options, bool forRoot, int wanted, PoolSize size,
        Action<HostProcess> becameReady, Action gone, ILogger logger)
    {
        this.descriptors = descriptors;
        this.loop = loop;
        this.reaper = reaper;
        this.options = options;
        this.forRoot = forRoot;
        this.wanted = wanted;
        name = forRoot ? $"{options.Path} (for root)" : options.Path;
        this.becameReady = becameReady;
        this.gone = gone;
        this.logger = logger;
        pool = new WorkerPool(loop, name, size, processes, logger);
    }

    private string NoProcess => $"the job host {name}, which was replaced, died before the job began; ask again";

    /// <summary>Whether one of them can fork, and answers.</summary>
    public bool AreHealthy => processes.Exists(static process => process.IsHealthy);

    /// <summary>Workers that wait for a request.</summary>
    public int ReadyWorkers => pool.Ready;

    /// <summary>Workers that shall wait for a request.</summary>
    public int WantedWorkers => pool.Wanted;

    /// <summary>Whether there are some, and all of them execute this file.</summary>
    public bool AllExecute(ExecutableFile file) => processes.Count > 0 && processes.TrueForAll(process => process.Executable == file);

    /// <summary>Their numbers.</summary>
    public IEnumerable<ProcessId> Pids => processes.Select(static process => process.Pid);

    /// <summary>Those for all users but root: as many as configured, with as many workers in advance. They gave up what no user but root may do.</summary>
    /// <param name="loop">The loop.</param>
    /// <param name="reaper">Reaps them.</param>
    /// <param name="descriptors">Keeps descriptors out that their workers send along.</param>
    /// <param name="options">The job host.</param>
    /// <param name="becameReady">Called when one of them can fork.</param>
    /// <param name="logger">Is told of what becomes of them.</param>
    public static HostProcesses ForUsers(
        Loop loop, ChildReaper reaper, DescriptorCheck descriptors, JobHostOptions options, Action<HostProcess> becameReady, ILogger logger) =>
        new(loop, reaper, descriptors, options, forRoot: false, options.Processes, new PoolSize(options.Workers, options.MostWorkers), becameReady, static () => { }, logger);

    /// <summary>
    /// The one for orders that grant root: seldom needed, and started when it is; where it dies, only for those who wait. No worker lies ready:
    /// only these keep what root may do.
    /// </summary>
    /// <param name="loop">The loop.</param>
    /// <param name="reaper">Reaps it.</param>
    /// <param name="descriptors">Keeps descriptors out that their workers send along.</param>
    /// <param name="options">The job host.</param>
    /// <param name="becameReady">Called when it can fork. What it throws as <see cref="JobHostException"/> ends it.</param>
    /// <param name="gone">Called when it is no more, and is not started again.</param>
    /// <param name="logger">Is told of what becomes of it.</param>
    public static HostProcesses ForRoot(
        Loop loop, ChildReaper reaper, DescriptorCheck descriptors, JobHostOptions options, Action<HostProcess> becameReady, Action gone, ILogger logger) =>
        new(loop, reaper, descriptors, options, forRoot: true, wanted: 1, new PoolSize(0, 0), becameReady, gone, logger);

    /// <summary>Starts them and waits until all of them can fork.</summary>
    /// <exception cref="JobHostException">One cannot serve; the message says why.</exception>
    public Task StartAsync(JobIsolation jobIsolation)
    {
        isolation = jobIsolation;
        for (int i = 0; i < wanted; i++)
            StartProcess();
        return started.Task;
    }

    /// <summary>A worker that waits for its order.</summary>
    /// <param name="bucket">The bucket of the caller that needs it.</param>
    /// <param name="timeout">How long it may take.</param>
    /// <param name="onLeft">Is given what to call when whoever asks is gone.</param>
    /// <exception cref="JobHostException">The fork failed, or took too long.</exception>
    /// <exception cref="OperationCanceledException">Whoever asked is gone.</exception>
    public ValueTask<ForkedWorker> TakeAsync(Bucket bucket, TimeSpan timeout, Action<Action>? onLeft) =>
        retired && processes.Count == 0 && started.Task.IsCompleted
            ? throw new JobHostException(NoProcess)
            : pool.TakeAsync(bucket, timeout, onLeft);

    /// <summary>Short jobs that have no answer yet.</summary>
    public int CountUnanswered() => pool.CountUnanswered();

    /// <summary>Whoever waits for a worker is told that there will be none.</summary>
    public void Refuse(string reason) => pool.Refuse(reason);

    /// <summary>No worker lies ready any more, and none of them is started again: another executable may be at the path by now.</summary>
    public void Retire()
    {
        retired = true;
        pool.Retire();
    }

    /// <summary>Ends them and their workers.</summary>
    public Task StopAsync()
    {
        stopped = true;
        pool.Close();
        return Task.WhenAll(processes.ToArray().Select(process => process.StopAsync()));
    }

    void IHostProcessOwner.BecameReady(HostProcess process)
    {
        becameReady(process);
        Log.JobHostReady(logger, name, process.Pid.Value, process.Jobs.Count);
        pool.Fill();
        if (processes.Count(one => one.IsReady) == wanted)
            started.TrySetResult();
    }

    void IHostProcessOwner.Forked(ForkedWorker worker)
    {
        failedStarts = 0;
        pool.Add(worker);
    }

    void IHostProcessOwner.ForkFailed(string reason)
    {
        Log.ForkFailed(logger, name, reason);
        pool.Miss(reason);
    }

    void IHostProcessOwner.WorkerEnded(ForkedWorker worker) => pool.NoticeEnd(worker);

    void IHostProcessOwner.Lost(HostProcess process, string reason)
    {
        processes.Remove(process);
        pool.RemoveEnded();
        StartAgain(reason, process.HasForked);
    }

    private void StartProcess()
    {
        try
        {
            var process = HostProcess.Start(loop, reaper, isolation!, descriptors, options.Path, forRoot, this);
            processes.Add(process);
            process.Begin();
        }
        catch (SystemCallException failure)
        {
            StartAgain($"it cannot be started: {failure.Message}", wasOfUse: false);
        }
    }

    /// <summary>At once where the process was of use; else later and later. The first start fails, where it does.</summary>
    private void StartAgain(string reason, bool wasOfUse)
    {
        if (stopped)
            return;
        if (retired && started.Task.IsCompleted)
        {
            Log.FormerJobHostLost(logger, name, reason);
            if (processes.Count == 0)
                pool.Refuse(NoProcess);
            return;
        }

        if (!started.Task.IsCompleted || (forRoot && !(wasOfUse && pool.IsAwaited)))
        {
            GiveUp($"the job host {name} cannot serve: {reason}");
            return;
        }

        TimeSpan pause = wasOfUse ? TimeSpan.Zero : TimeSpan.FromMilliseconds(Math.Min(LongestPause.TotalMilliseconds, 100 << Math.Min(failedStarts++, 10)));
        Log.JobHostLost(logger, name, reason, pause.TotalSeconds);

        // What waits for workers may have others to get them from.
        pool.Fill();
        loop.Schedule(pause, () =>
        {
            if (!stopped && !retired)
                StartProcess();
        });
    }

    private void GiveUp(string refusal)
    {
        stopped = true;
        gone();
        pool.Refuse(refusal);
        if (!started.TrySetException(new JobHostException(refusal) { Path = options.Path }))
            Log.JobHostGone(logger, refusal);
    }
}
