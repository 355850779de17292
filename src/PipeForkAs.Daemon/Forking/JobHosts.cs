using PipeForkAs.Daemon.Configuration;
using PipeForkAs.Daemon.Isolation;
using PipeForkAs.Daemon.Logging;

namespace PipeForkAs.Daemon.Forking;

/// <summary>
/// The job hosts that serve, and the former ones: where a reload finds another configuration or another executable, a new job host is
/// started beside the former one and takes the new requests. The former one ends with its last job.
/// </summary>
internal sealed class JobHosts
{
    private readonly HostContext context;
    private readonly Action jobsChanged;
    private readonly List<JobHostPool> former = [];
    private readonly List<JobHostPool> starting = [];
    private JobIsolation? isolation; // From the start on.

    /// <param name="context">What their processes need.</param>
    /// <param name="options">The job hosts of the configuration, at least one.</param>
    /// <param name="jobsChanged">Called when a process of one that serves became ready: its jobs may be others now.</param>
    public JobHosts(HostContext context, IEnumerable<JobHostOptions> options, Action jobsChanged)
    {
        this.context = context;
        this.jobsChanged = jobsChanged;
        Current = [.. options.Select(Make)];
    }

    /// <summary>Those that serve new requests, in the order of the configuration.</summary>
    public IReadOnlyList<JobHostPool> Current { get; private set; }

    /// <summary>Those that another one replaced, or that the configuration no longer has, and that still have jobs.</summary>
    public IReadOnlyList<JobHostPool> Former => former;

    /// <summary>The one that runs commands, and looks for consent.</summary>
    public JobHostPool First => Current[0];

    /// <summary>Whether one of those that serve can fork, and answers.</summary>
    public bool AreHealthy => Current.Any(static host => host.IsHealthy);

    /// <summary>Starts those of the configuration and waits until all of them can fork.</summary>
    /// <exception cref="JobHostException">One cannot serve; the message says why.</exception>
    public Task StartAsync(JobIsolation jobIsolation)
    {
        isolation = jobIsolation;
        return Task.WhenAll(Current.Select(host => host.StartAsync(jobIsolation)));
    }

    /// <summary>
    /// Starts what another configuration, or another executable, needs beside those that serve. Nothing changes before <see
    /// cref="Change.Commit"/>.
    /// </summary>
    /// <param name="options">The job hosts of the configuration, at least one.</param>
    /// <exception cref="ConfigurationException">
    /// One cannot serve; the messages say which and why, and all that were started end.
    /// </exception>
    public async Task<Change> PrepareAsync(IEnumerable<JobHostOptions> options)
    {
        List<JobHostPool> left = [.. Current], wanted = [], fresh = [];
        foreach (JobHostOptions each in options)
        {
            JobHostPool? same = left.Find(host => host.IsOf(each));
            if (same is not null)
                left.Remove(same);
            else
                fresh.Add(same = Make(each));
            wanted.Add(same);
        }

        var change = new Change(this, wanted, fresh, replaced: [.. fresh.Where(host => left.Exists(former => former.HasOptionsOf(host)))]);
        starting.AddRange(fresh);
        Task[] starts = [.. fresh.Select(host => host.StartAsync(isolation!))];
        try
        {
            await Task.WhenAll(starts);
            return change;
        }
        catch (JobHostException)
        {
            await change.DisposeAsync();
            throw new ConfigurationException(
                [.. starts.SelectMany(start => start.Exception?.InnerExceptions ?? []).Select(failure => failure.Message)]);
        }
        catch
        {
            await change.DisposeAsync();
            throw;
        }
    }

    /// <summary>Whoever waits for a worker is told that there will be none.</summary>
    public void Refuse(string reason)
    {
        foreach (JobHostPool host in All)
            host.Refuse(reason);
    }

    /// <summary>Ends them all, and their workers.</summary>
    public Task StopAsync() => Task.WhenAll(All.Select(static host => host.StopAsync()));

    private JobHostPool[] All => [.. Current, .. former, .. starting];

    private JobHostPool Make(JobHostOptions entry) => new(context, entry, ReportJobsChanged);

    /// <summary>One that starts, and serves later or never, or that another one replaced, changes nothing.</summary>
    private void ReportJobsChanged(JobHostPool host)
    {
        if (Current.Contains(host))
            jobsChanged();
    }

    private void Replace(IReadOnlyList<JobHostPool> hosts)
    {
        JobHostPool[] gone = [.. Current.Except(hosts)];
        Current = hosts;
        foreach (JobHostPool host in gone)
        {
            former.Add(host);
            Log.JobHostReplaced(context.Logger, host.Path, string.Join(", ", host.Pids.Select(static pid => pid.Value)), host.Uses);
            host.Retire(() => context.Loop.Start(() => EndAsync(host)));
        }
    }

    private async Task EndAsync(JobHostPool host)
    {
        await host.StopAsync();
        former.Remove(host);
        Log.JobHostEnded(context.Logger, host.Path);
    }

    /// <summary>Job hosts that are ready to take over.</summary>
    /// <param name="owner">All job hosts.</param>
    /// <param name="hosts">Those that shall serve, in their order.</param>
    /// <param name="fresh">Those of them that were started.</param>
    /// <param name="replaced">Those of them that have the same entry as one that serves.</param>
    internal sealed class Change(
        JobHosts owner, IReadOnlyList<JobHostPool> hosts, IReadOnlyList<JobHostPool> fresh, IReadOnlyList<JobHostPool> replaced)
        : IAsyncDisposable
    {
        private bool isCommitted;

        /// <summary>Those that shall serve, in their order.</summary>
        public IReadOnlyList<JobHostPool> Hosts => hosts;

        /// <summary>What changed beside the configuration, one item each.</summary>
        public IEnumerable<string> Items => replaced.Select(static host => $"the executable {host.Path}");

        /// <summary>They serve from now on, and those that are not among them end with their last jobs.</summary>
        public void Commit()
        {
            isCommitted = true;
            Leave();
            owner.Replace(hosts);
        }

        /// <summary>Ends those that were started, where they were not kept.</summary>
        public async ValueTask DisposeAsync()
        {
            if (isCommitted)
                return;
            isCommitted = true;
            await Task.WhenAll(fresh.Select(static host => host.StopAsync()));
            Leave();
        }

        private void Leave()
        {
            foreach (JobHostPool host in fresh)
                owner.starting.Remove(host);
        }
    }
}
