using System.Text.Json;
using PipeForkAs.Daemon.Configuration;
using PipeForkAs.Daemon.Fairness;
using PipeForkAs.Daemon.Isolation;
using PipeForkAs.LibC;
using PipeForkAs.Protocol.Client;

namespace PipeForkAs.Daemon.Forking;

/// <summary>A registered executable with job functions, from which the daemon takes workers.</summary>
internal sealed class JobHostPool
{
    private readonly HostContext context;
    private readonly JobHostOptions options;
    private readonly Action<JobHostPool> jobsChanged;
    private readonly HostProcesses users;
    private HostProcesses? root;
    private JobIsolation isolation = null!; // Set at the start.
    private Action unused = static () => { };
    private JobHostPoolStage stage;

    /// <param name="context">The parts of the daemon that the processes need.</param>
    /// <param name="options">The job host's entry in the configuration.</param>
    /// <param name="jobsChanged">Called when a process became ready, because its jobs may differ.</param>
    public JobHostPool(HostContext context, JobHostOptions options, Action<JobHostPool> jobsChanged)
    {
        this.context = context;
        this.options = options;
        this.jobsChanged = jobsChanged;
        users = HostProcesses.ForUsers(context, options, BecameReady, EndUse);
    }

    public string Path => options.Path;

    public IReadOnlyList<JobDescription> Jobs { get; private set; } = [];

    /// <summary>Whether at least one process can fork and answers.</summary>
    public bool IsHealthy => users.AreHealthy;

    /// <summary>The number of workers that wait for a request.</summary>
    public int ReadyWorkers => users.ReadyWorkers;

    /// <summary>The number of workers that should wait for a request.</summary>
    public int WantedWorkers => users.WantedWorkers;

    /// <summary>The number of requests that use the job host, plus the workers that are taken and not released.</summary>
    public int Uses { get; private set; }

    /// <summary>Whether the job host serves no new requests and ends with its last use.</summary>
    public bool IsRetired => stage is JobHostPoolStage.Retired or JobHostPoolStage.RetiredAndStopped;

    public IEnumerable<ProcessId> Pids => users.Pids.Concat(root?.Pids ?? []);

    private bool IsStopped => stage is JobHostPoolStage.Stopped or JobHostPoolStage.RetiredAndStopped;

    /// <summary>Starts the processes and waits until all of them can fork.</summary>
    /// <exception cref="JobHostException">The job host cannot serve; the message says why.</exception>
    public Task StartAsync(JobIsolation jobIsolation)
    {
        isolation = jobIsolation;
        return users.StartAsync(jobIsolation);
    }

    /// <summary>Returns a worker that waits for its order.</summary>
    /// <param name="bucket">The bucket of the caller.</param>
    /// <param name="timeout">The longest time to wait.</param>
    /// <param name="forRoot">Whether the order grants root.</param>
    /// <param name="onLeft">Receives the action to call when the caller disconnects; null if there is no caller.</param>
    /// <exception cref="JobHostException">The fork failed or timed out, or the process that forks for root cannot serve.</exception>
    /// <exception cref="OperationCanceledException">The caller disconnected.</exception>
    public async ValueTask<ForkedWorker> TakeAsync(Bucket bucket, TimeSpan timeout, bool forRoot, Action<Action>? onLeft = null)
    {
        Uses++;
        try
        {
            return await (forRoot ? TakeForRootAsync(bucket, timeout, onLeft) : users.TakeAsync(bucket, timeout, onLeft));
        }
        catch
        {
            EndUse();
            throw;
        }
    }

    /// <summary>Keeps the job host running for a request that takes its worker later.</summary>
    public Lease Acquire()
    {
        Uses++;
        return new Lease(this);
    }

    /// <summary>
    /// Whether the job host matches a configuration entry, and its processes execute the file that is at the path now. False if the
    /// processes are lost, because their replacements may execute another file.
    /// </summary>
    public bool IsOf(JobHostOptions entry)
    {
        return Entry(entry) == Entry(options) && ExecutableFile.At(entry.Path) is { } now && users.AllExecute(now);
    }

    /// <summary>Whether both job hosts have the same configuration entry.</summary>
    public bool HasOptionsOf(JobHostPool other) => Entry(options) == Entry(other.options);

    /// <summary>
    /// Accepts no new requests. Releases the workers that wait for a request. Requests that still use the job host get workers, forked on
    /// demand.
    /// </summary>
    /// <param name="whenUnused">Called once, when nothing uses the job host.</param>
    public void Retire(Action whenUnused)
    {
        unused = whenUnused;
        stage = JobHostPoolStage.Retired;
        users.Retire();
        root?.Retire();
        EndIfUnused();
    }

    /// <summary>Returns the number of short jobs that have no reply yet.</summary>
    public int CountUnanswered() => users.CountUnanswered() + (root?.CountUnanswered() ?? 0);

    /// <summary>Fails all requests that wait for a worker.</summary>
    public void Refuse(string reason)
    {
        users.Refuse(reason);
        root?.Refuse(reason);
    }

    /// <summary>Stops the processes and their workers.</summary>
    public Task StopAsync()
    {
        stage = IsRetired ? JobHostPoolStage.RetiredAndStopped : JobHostPoolStage.Stopped;
        return Task.WhenAll(users.StopAsync(), root?.StopAsync() ?? Task.CompletedTask);
    }

    private ValueTask<ForkedWorker> TakeForRootAsync(Bucket bucket, TimeSpan timeout, Action<Action>? onLeft)
    {
        if (IsStopped)
            throw new JobHostException("the daemon is stopping");
        if (root is not null)
            return root.TakeAsync(bucket, timeout, onLeft);

        root = HostProcesses.ForRoot(context, options, ThrowUnlessSameJobs, () => root = null, EndUse);
        if (IsRetired)
            root.Retire();
        ValueTask<ForkedWorker> taking = root.TakeAsync(bucket, timeout, onLeft);
        context.Loop.Start(StartRootAsync);
        return taking;
    }

    /// <summary>
    /// Starts the process for root. If it cannot serve, the waiting requests fail with the reason, and the next order tries again.
    /// </summary>
    private async Task StartRootAsync()
    {
        HostProcesses its = root!;
        try
        {
            await its.StartAsync(isolation);
        }
        catch (JobHostException)
        {
            // The waiting requests have failed with the reason.
        }
        catch
        {
            root = null;
            its.Refuse("the job host for root could not be started; see the daemon's log");
            throw;
        }
    }

    /// <summary>
    /// Checks that the process for root has the same jobs as the other processes. It starts much later, and the limits of its jobs must be
    /// the registered ones.
    /// </summary>
    private void ThrowUnlessSameJobs(HostProcess process)
    {
        if (!process.Jobs.Select(Text).SequenceEqual(Jobs.Select(Text)))
            throw new JobHostException(
                "its jobs differ from those at the daemon's start because the executable was replaced; reload the daemon");

        static string Text(JobDescription job) => JsonSerializer.Serialize(job, JobDescriptionJson.Default.JobDescription);
    }

    private void BecameReady(HostProcess process)
    {
        Jobs = process.Jobs;
        jobsChanged(this);
    }

    /// <summary>Returns the parts of a configuration entry that require a new job host when they change.</summary>
    private static (string, int, int, int) Entry(JobHostOptions entry) => (entry.Path, entry.Workers, entry.MostWorkers, entry.Processes);

    private void EndUse()
    {
        if (--Uses == 0 && IsRetired)
            EndIfUnused();
    }

    /// <summary>
    /// Ends the job host if nothing uses it. Posted to the loop, because the code that ends a use may still need the job host.
    /// </summary>
    private void EndIfUnused() => context.Loop.Post(_ =>
    {
        if (Uses > 0 || stage != JobHostPoolStage.Retired)
            return;
        stage = JobHostPoolStage.RetiredAndStopped;
        unused();
    }, null);

    /// <summary>A use of the job host.</summary>
    internal sealed class Lease(JobHostPool host) : IDisposable
    {
        private bool isDisposed;

        public void Dispose()
        {
            if (isDisposed)
                return;
            isDisposed = true;
            host.EndUse();
        }
    }
}
