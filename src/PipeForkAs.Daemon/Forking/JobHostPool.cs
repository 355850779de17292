using System.Text.Json;
using Microsoft.Extensions.Logging;
using PipeForkAs.Daemon.Configuration;
using PipeForkAs.Daemon.EventLoop;
using PipeForkAs.Daemon.Fairness;
using PipeForkAs.Daemon.Isolation;
using PipeForkAs.Daemon.Processes;
using PipeForkAs.Daemon.Untrusted;
using PipeForkAs.LibC;
using PipeForkAs.Protocol.Client;

namespace PipeForkAs.Daemon.Forking;

/// <summary>A registered executable that holds job functions: what the daemon takes workers from.</summary>
internal sealed class JobHostPool
{
    private readonly Loop loop;
    private readonly ChildReaper reaper;
    private readonly DescriptorCheck descriptors;
    private readonly JobHostOptions options;
    private readonly ILogger logger;
    private readonly HostProcesses users;
    private HostProcesses? root;
    private readonly Action useEnded;
    private JobIsolation isolation = null!; // From the start on.
    private Action? whenUnused;
    private bool stopped;

    public JobHostPool(Loop loop, ChildReaper reaper, DescriptorCheck descriptors, JobHostOptions options, ILogger logger)
    {
        this.descriptors = descriptors;
        this.loop = loop;
        this.reaper = reaper;
        this.options = options;
        this.logger = logger;
        useEnded = EndUse;
        users = HostProcesses.ForUsers(loop, reaper, descriptors, options, BecameReady, logger);
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
    public bool IsRetired => whenUnused is not null;

    /// <summary>Its processes.</summary>
    public IEnumerable<ProcessId> Pids => users.Pids.Concat(root?.Pids ?? []);

    /// <summary>Called when a process of it became ready: its jobs may be others now.</summary>
    public Action? JobsChanged { get; set; }

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
            ForkedWorker worker = await (forRoot ? TakeForRootAsync(bucket, timeout, onLeft) : users.TakeAsync(bucket, timeout, onLeft));
            worker.WhenReleased = useEnded;
            return worker;
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
    /// <param name="unused">Called once, when nobody uses it.</param>
    public void Retire(Action unused)
    {
        whenUnused = unused;
        users.Retire();
        root?.Retire();
        LookWhetherUsed();
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
        stopped = true;
        return Task.WhenAll(users.StopAsync(), root?.StopAsync() ?? Task.CompletedTask);
    }

    private ValueTask<ForkedWorker> TakeForRootAsync(Bucket bucket, TimeSpan timeout, Action<Action>? onLeft)
    {
        if (stopped)
            throw new JobHostException("the daemon is stopping");
        if (root is not null)
            return root.TakeAsync(bucket, timeout, onLeft);

        root = HostProcesses.ForRoot(loop, reaper, descriptors, options, ThrowUnlessSameJobs, () => root = null, logger);
        if (IsRetired)
            root.Retire();
        ValueTask<ForkedWorker> taking = root.TakeAsync(bucket, timeout, onLeft);
        loop.Start(StartRootAsync);
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

    /// <summary>The process for root starts long after the others: what their jobs are limited to must be what its jobs were registered with.</summary>
    private void ThrowUnlessSameJobs(HostProcess process)
    {
        if (!process.Jobs.Select(Text).SequenceEqual(Jobs.Select(Text)))
            throw new JobHostException("it holds other jobs than when the daemon started: the executable was replaced; reload the daemon");

        static string Text(JobDescription job) => JsonSerializer.Serialize(job, JobDescriptionJson.Default.JobDescription);
    }

    private void BecameReady(HostProcess process)
    {
        Jobs = process.Jobs;
        JobsChanged?.Invoke();
    }

    /// <summary>What makes an entry of the configuration another one.</summary>
    private static (string, int, int, int) Entry(JobHostOptions entry) => (entry.Path, entry.Workers, entry.MostWorkers, entry.Processes);

    private void EndUse()
    {
        if (--Uses == 0 && IsRetired)
            LookWhetherUsed();
    }

    /// <summary>Not inline: what ends its use may have more to do with it.</summary>
    private void LookWhetherUsed() => loop.Post(_ =>
    {
        if (Uses > 0 || stopped)
            return;
        stopped = true;
        whenUnused!();
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
