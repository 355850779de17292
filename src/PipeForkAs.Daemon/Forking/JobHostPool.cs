using System.Text.Json;
using PipeForkAs.Daemon.Configuration;
using PipeForkAs.Daemon.Fairness;
using PipeForkAs.Daemon.Isolation;
using PipeForkAs.LibC;
using PipeForkAs.Protocol.Client;

namespace PipeForkAs.Daemon.Forking;

/// <summary>A registered executable that holds job functions: what the daemon takes workers from.</summary>
internal sealed class JobHostPool
{
    private readonly HostContext context;
    private readonly JobHostOptions options;
    private readonly Action<JobHostPool> jobsChanged;
    private readonly HostProcesses users;
    private HostProcesses? root;
    private JobIsolation isolation = null!; // From the start on.
    private Action unused = static () => { };
    private JobHostPoolStage stage;

    /// <param name="context">What its processes need.</param>
    /// <param name="options">The entry of the configuration.</param>
    /// <param name="jobsChanged">Called when a process of it became ready: its jobs may be others now.</param>
    public JobHostPool(HostContext context, JobHostOptions options, Action<JobHostPool> jobsChanged)
    {
        this.context = context;
        this.options = options;
        this.jobsChanged = jobsChanged;
        users = HostProcesses.ForUsers(context, options, BecameReady, EndUse);
    }

    /// <summary>The executable.</summary>
    public string Path => options.Path;

    /// <summary>The jobs that it holds.</summary>
    public IReadOnlyList<JobDescription> Jobs { get; private set; } = [];

    /// <summary>Whether one of its processes can fork, and answers.</summary>
    public bool IsHealthy => users.AreHealthy;

    /// <summary>Workers that wait for a request.</summary>
    public int ReadyWorkers => users.ReadyWorkers;

    /// <summary>Workers that shall wait for a request.</summary>
    public int WantedWorkers => users.WantedWorkers;

    /// <summary>Requests that hold it, and workers that were taken and not released.</summary>
    public int Uses { get; private set; }

    /// <summary>Whether it serves no new requests, and ends with its last use.</summary>
    public bool IsRetired => stage is JobHostPoolStage.Retired or JobHostPoolStage.RetiredAndStopped;

    /// <summary>Its processes.</summary>
    public IEnumerable<ProcessId> Pids => users.Pids.Concat(root?.Pids ?? []);

    private bool IsStopped => stage is JobHostPoolStage.Stopped or JobHostPoolStage.RetiredAndStopped;

    /// <summary>Starts its processes and waits until all of them can fork.</summary>
    /// <exception cref="JobHostException">It cannot serve; the message says why.</exception>
    public Task StartAsync(JobIsolation jobIsolation)
    {
        isolation = jobIsolation;
        return users.StartAsync(jobIsolation);
    }

    /// <summary>A worker that waits for its order.</summary>
    /// <param name="bucket">The bucket of the caller that needs it.</param>
    /// <param name="timeout">How long it may take.</param>
    /// <param name="forRoot">Whether its order grants root.</param>
    /// <param name="onLeft">Is given what to call when whoever asks is gone; null where nobody goes.</param>
    /// <exception cref="JobHostException">The fork failed, or took too long; or the process that forks for root cannot serve.</exception>
    /// <exception cref="OperationCanceledException">Whoever asked is gone.</exception>
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

    /// <summary>Keeps it from ending, for a request that has chosen it and takes a worker later.</summary>
    public Lease Acquire()
    {
        Uses++;
        return new Lease(this);
    }

    /// <summary>
    /// Whether it is as an entry of the configuration says, and its processes execute what is at the path now. One that lost its processes
    /// is not: what is started in their place may be something else.
    /// </summary>
    public bool IsOf(JobHostOptions entry)
    {
        return Entry(entry) == Entry(options) && ExecutableFile.At(entry.Path) is { } now && users.AllExecute(now);
    }

    /// <summary>Whether another one was made for the same entry of the configuration.</summary>
    public bool HasOptionsOf(JobHostPool other) => Entry(options) == Entry(other.options);

    /// <summary>
    /// No new requests come. Workers that wait for one are released; the requests that hold it still get workers, forked when they ask.
    /// </summary>
    /// <param name="whenUnused">Called once, when nobody uses it.</param>
    public void Retire(Action whenUnused)
    {
        unused = whenUnused;
        stage = JobHostPoolStage.Retired;
        users.Retire();
        root?.Retire();
        EndIfUnused();
    }

    /// <summary>Short jobs that have no answer yet.</summary>
    public int CountUnanswered() => users.CountUnanswered() + (root?.CountUnanswered() ?? 0);

    /// <summary>Whoever waits for a worker is told that there will be none.</summary>
    public void Refuse(string reason)
    {
        users.Refuse(reason);
        root?.Refuse(reason);
    }

    /// <summary>Ends its processes and their workers.</summary>
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

    /// <summary>Where it cannot serve, who waits for it is told why, and the next order tries again.</summary>
    private async Task StartRootAsync()
    {
        HostProcesses its = root!;
        try
        {
            await its.StartAsync(isolation);
        }
        catch (JobHostException)
        {
            // Who waited was told.
        }
        catch
        {
            root = null;
            its.Refuse("the job host for root could not be started; the daemon's log says why");
            throw;
        }
    }

    /// <summary>
    /// The process for root starts long after the others: what their jobs are limited to must be what its jobs were registered with.
    /// </summary>
    private void ThrowUnlessSameJobs(HostProcess process)
    {
        if (!process.Jobs.Select(Text).SequenceEqual(Jobs.Select(Text)))
            throw new JobHostException("it holds other jobs than when the daemon started: the executable was replaced; reload the daemon");

        static string Text(JobDescription job) => JsonSerializer.Serialize(job, JobDescriptionJson.Default.JobDescription);
    }

    private void BecameReady(HostProcess process)
    {
        Jobs = process.Jobs;
        jobsChanged(this);
    }

    /// <summary>What makes an entry of the configuration another one.</summary>
    private static (string, int, int, int) Entry(JobHostOptions entry) => (entry.Path, entry.Workers, entry.MostWorkers, entry.Processes);

    private void EndUse()
    {
        if (--Uses == 0 && IsRetired)
            EndIfUnused();
    }

    /// <summary>Not inline: what ends its use may have more to do with it.</summary>
    private void EndIfUnused() => context.Loop.Post(_ =>
    {
        if (Uses > 0 || stage != JobHostPoolStage.Retired)
            return;
        stage = JobHostPoolStage.RetiredAndStopped;
        unused();
    }, null);

    /// <summary>A use of it.</summary>
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
