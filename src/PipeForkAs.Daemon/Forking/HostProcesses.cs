using PipeForkAs.Daemon.Configuration;
using PipeForkAs.Daemon.Fairness;
using PipeForkAs.Daemon.Isolation;
using PipeForkAs.Daemon.Logging;
using PipeForkAs.LibC;

namespace PipeForkAs.Daemon.Forking;

/// <summary>
/// The processes of a job host that fork workers of one kind, and the pool of these workers. If a process dies, requests that ran in its
/// workers end with <c>host-lost</c>. Requests that still wait for a worker continue to wait, because the process is started again.
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
    private JobIsolation? isolation; // Set at the start.
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

    private string NoProcess => $"the job host {name}, which was replaced, died before the job began; send the request again";

    /// <summary>Whether at least one process can fork and answers.</summary>
    public bool AreHealthy => processes.Exists(static process => process.IsHealthy);

    /// <summary>The number of workers that wait for a request.</summary>
    public int ReadyWorkers => pool.Ready;

    /// <summary>The number of workers that should wait for a request.</summary>
    public int WantedWorkers => pool.Wanted;

    /// <summary>Whether there are processes, and all of them execute this file.</summary>
    public bool AllExecute(ExecutableFile file) => processes.Count > 0 && processes.TrueForAll(process => process.Executable == file);

    public IEnumerable<ProcessId> Pids => processes.Select(static process => process.Pid);

    /// <summary>
    /// Creates the processes for all users except root: as many processes, and as many workers in advance, as the configuration says. These
    /// processes dropped the privileges that only root may have.
    /// </summary>
    /// <param name="context">The parts of the daemon that the processes need.</param>
    /// <param name="options">The configuration of the job host.</param>
    /// <param name="becameReady">Called when one process can fork.</param>
    /// <param name="workerReleased">Called when a taken worker is released.</param>
    public static HostProcesses ForUsers(
        HostContext context, JobHostOptions options, Action<HostProcess> becameReady, Action workerReleased) => new(
        context, options, forRoot: false, options.Processes, new PoolSize(options.Workers, options.MostWorkers), becameReady,
        static () => { },
        workerReleased);

    /// <summary>
    /// Creates the process for orders that grant root. Such orders are rare, so the process starts on demand, and starts again only if
    /// requests wait. No worker is forked in advance, because only these workers keep root's privileges.
    /// </summary>
    /// <param name="context">The parts of the daemon that the process needs.</param>
    /// <param name="options">The configuration of the job host.</param>
    /// <param name="becameReady">Called when the process can fork. A <see cref="JobHostException"/> from it ends the process.</param>
    /// <param name="gone">Called when the process is gone and does not start again.</param>
    /// <param name="workerReleased">Called when a taken worker is released.</param>
    public static HostProcesses ForRoot(
        HostContext context, JobHostOptions options, Action<HostProcess> becameReady, Action gone, Action workerReleased) =>
        new(context, options, forRoot: true, wanted: 1, new PoolSize(0, 0), becameReady, gone, workerReleased);

    /// <summary>Starts the processes and waits until all of them can fork.</summary>
    /// <exception cref="JobHostException">A process cannot serve; the message says why.</exception>
    public Task StartAsync(JobIsolation jobIsolation)
    {
        isolation = jobIsolation;
        for (int i = 0; i < wanted; i++)
            StartProcess();
        return started.Task;
    }

    /// <summary>Returns a worker that waits for its order.</summary>
    /// <param name="bucket">The bucket of the caller.</param>
    /// <param name="timeout">The longest time to wait.</param>
    /// <param name="onLeft">Receives the action to call when the caller disconnects.</param>
    /// <exception cref="JobHostException">The fork failed or timed out.</exception>
    /// <exception cref="OperationCanceledException">The caller disconnected.</exception>
    public ValueTask<ForkedWorker> TakeAsync(Bucket bucket, TimeSpan timeout, Action<Action>? onLeft) =>
        stage == HostProcessesStage.Retired && processes.Count == 0
            ? throw new JobHostException(NoProcess)
            : pool.TakeAsync(bucket, timeout, onLeft);

    /// <summary>Returns the number of short jobs that have no reply yet.</summary>
    public int CountUnanswered() => pool.CountUnanswered();

    /// <summary>Fails all requests that wait for a worker.</summary>
    public void Refuse(string reason) => pool.Refuse(reason);

    /// <summary>Releases the ready workers and stops restarting processes, because the path may have another executable now.</summary>
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

    /// <summary>Stops the processes and their workers.</summary>
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

    /// <summary>
    /// Starts a process again: at once if the lost process forked workers, otherwise after a growing pause. A failure during the first
    /// start is final.
    /// </summary>
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

        // Other processes may provide workers for the waiting requests.
        pool.Fill();
#pragma warning disable CA2000 // The timer must fire and is never cancelled.
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
