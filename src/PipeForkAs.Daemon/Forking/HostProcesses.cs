using PipeForkAs.Daemon.Configuration;
using PipeForkAs.Daemon.Fairness;
using PipeForkAs.Daemon.Isolation;
using PipeForkAs.Daemon.Logging;
using PipeForkAs.LibC;

namespace PipeForkAs.Daemon.Forking;

/// <summary>
/// The processes of a job host that fork workers of one kind, and the pool of these. Where a process dies, requests that ran in its
/// workers end with <c>host-lost</c>, and those that still waited for a worker go on waiting: it is started again.
/// </summary>
internal sealed class HostProcesses : IHostProcessOwner
{
    private static readonly TimeSpan LongestPause = TimeSpan.FromSeconds(10);

    private readonly HostContext context;
    private readonly JobHostOptions options;
    private readonly bool forRoot;
    private readonly int wanted;
    private readonly string name;
    private readonly Action<HostProcess> becameReady;
    private readonly Action gone;
    private readonly List<HostProcess> processes = [];
    private readonly WorkerPool pool;
    private readonly TaskCompletionSource started = new();
    private JobIsolation? isolation; // From the start on.
    private int failedStarts;
    private HostProcessesStage stage;

    private HostProcesses(
        HostContext context, JobHostOptions options, bool forRoot, int wanted, PoolSize size, Action<HostProcess> becameReady, Action gone,
        Action workerReleased)
    {
        this.context = context;
        this.options = options;
        this.forRoot = forRoot;
        this.wanted = wanted;
        name = forRoot ? $"{options.Path} (for root)" : options.Path;
        this.becameReady = becameReady;
        this.gone = gone;
        pool = new WorkerPool(context.Loop, name, size, processes, workerReleased, context.Logger);
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

    /// <summary>
    /// Those for all users but root: as many as configured, with as many workers in advance. They gave up what no user but root may do.
    /// </summary>
    /// <param name="context">What they need.</param>
    /// <param name="options">The job host.</param>
    /// <param name="becameReady">Called when one of them can fork.</param>
    /// <param name="workerReleased">Called when a worker that was taken is released.</param>
    public static HostProcesses ForUsers(
        HostContext context, JobHostOptions options, Action<HostProcess> becameReady, Action workerReleased) => new(
        context, options, forRoot: false, options.Processes, new PoolSize(options.Workers, options.MostWorkers), becameReady,
        static () => { },
        workerReleased);

    /// <summary>
    /// The one for orders that grant root: seldom needed, and started when it is; where it dies, only for those who wait. No worker lies
    /// ready:
    /// only these keep what root may do.
    /// </summary>
    /// <param name="context">What it needs.</param>
    /// <param name="options">The job host.</param>
    /// <param name="becameReady">Called when it can fork. What it throws as <see cref="JobHostException"/> ends it.</param>
    /// <param name="gone">Called when it is no more, and is not started again.</param>
    /// <param name="workerReleased">Called when a worker that was taken is released.</param>
    public static HostProcesses ForRoot(
        HostContext context, JobHostOptions options, Action<HostProcess> becameReady, Action gone, Action workerReleased) =>
        new(context, options, forRoot: true, wanted: 1, new PoolSize(0, 0), becameReady, gone, workerReleased);

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
        stage == HostProcessesStage.Retired && processes.Count == 0
            ? throw new JobHostException(NoProcess)
            : pool.TakeAsync(bucket, timeout, onLeft);

    /// <summary>Short jobs that have no answer yet.</summary>
    public int CountUnanswered() => pool.CountUnanswered();

    /// <summary>Whoever waits for a worker is told that there will be none.</summary>
    public void Refuse(string reason) => pool.Refuse(reason);

    /// <summary>No worker lies ready any more, and none of them is started again: another executable may be at the path by now.</summary>
    public void Retire()
    {
        stage = stage switch
        {
            HostProcessesStage.Starting => HostProcessesStage.StartingRetired,
            HostProcessesStage.Serving => HostProcessesStage.Retired,
            _ => stage,
        };
        pool.Retire();
    }

    /// <summary>Ends them and their workers.</summary>
    public Task StopAsync()
    {
        stage = HostProcessesStage.Stopped;
        pool.Close();
        return Task.WhenAll(processes.ToArray().Select(process => process.StopAsync()));
    }

    void IHostProcessOwner.BecameReady(HostProcess process)
    {
        becameReady(process);
        Log.JobHostReady(context.Logger, name, process.Pid.Value, process.Jobs.Count);
        pool.Fill();
        if (processes.Count(one => one.IsReady) < wanted)
            return;
        stage = stage switch
        {
            HostProcessesStage.Starting => HostProcessesStage.Serving,
            HostProcessesStage.StartingRetired => HostProcessesStage.Retired,
            _ => stage,
        };
        started.TrySetResult();
    }

    void IHostProcessOwner.Forked(ForkedWorker worker)
    {
        failedStarts = 0;
        pool.Add(worker);
    }

    void IHostProcessOwner.ForkFailed(string reason)
    {
        Log.ForkFailed(context.Logger, name, reason);
        pool.FailNext(reason);
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
            HostProcess process = HostLauncher.Start(context, isolation!, options.Path, forRoot, this);
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
        switch (stage)
        {
            case HostProcessesStage.Stopped:
                return;
            case HostProcessesStage.Retired:
                Log.FormerJobHostLost(context.Logger, name, reason);
                if (processes.Count == 0)
                    pool.Refuse(NoProcess);
                return;
            case HostProcessesStage.Serving when !forRoot || (wasOfUse && pool.IsAwaited):
                StartAgainLater(reason, wasOfUse);
                return;
            default:
                GiveUp($"the job host {name} cannot serve: {reason}");
                return;
        }
    }

    private void StartAgainLater(string reason, bool wasOfUse)
    {
        TimeSpan pause = wasOfUse
            ? TimeSpan.Zero
            : TimeSpan.FromMilliseconds(Math.Min(LongestPause.TotalMilliseconds, 100 << Math.Min(failedStarts++, 10)));
        Log.JobHostLost(context.Logger, name, reason, pause.TotalSeconds);

        // What waits for workers may have others to get them from.
        pool.Fill();
#pragma warning disable CA2000 // The timer is to fire, and is not kept to cancel it.
        context.Loop.Schedule(pause, () =>
        {
            if (stage == HostProcessesStage.Serving)
                StartProcess();
        });
#pragma warning restore CA2000
    }

    private void GiveUp(string refusal)
    {
        stage = HostProcessesStage.Stopped;
        gone();
        pool.Refuse(refusal);
        if (!started.TrySetException(new JobHostException(refusal) { Path = options.Path }))
            Log.JobHostGone(context.Logger, refusal);
    }
}
