using PipeForkAs.Daemon.Configuration;
using PipeForkAs.Daemon.Isolation;
using PipeForkAs.Daemon.Logging;

namespace PipeForkAs.Daemon.Forking;

/// <summary>
/// The current and the former job hosts. If a reload finds a changed configuration or executable, a new job host starts in parallel and
/// takes the new requests. The former one ends with its last job.
/// </summary>
internal sealed class JobHosts
{
    private readonly HostContext context;
    private readonly Action jobsChanged;
    private readonly List<JobHostPool> former = [];
    private readonly List<JobHostPool> starting = [];
    private JobIsolation? isolation; // Set at the start.

    /// <param name="context">The parts of the daemon that the processes need.</param>
    /// <param name="options">The configured job hosts, at least one.</param>
    /// <param name="jobsChanged">Called when a process of a current job host became ready, because its jobs may differ.</param>
    public JobHosts(HostContext context, IEnumerable<JobHostOptions> options, Action jobsChanged)
    {
        this.context = context;
        this.jobsChanged = jobsChanged;
        Current = [.. options.Select(Make)];
    }

    /// <summary>The job hosts that serve new requests, in the order of the configuration.</summary>
    public IReadOnlyList<JobHostPool> Current { get; private set; }

    /// <summary>The job hosts that were replaced or removed from the configuration, and that still have jobs.</summary>
    public IReadOnlyList<JobHostPool> Former => former;

    /// <summary>The job host that runs commands and checks consent.</summary>
    public JobHostPool First => Current[0];

    /// <summary>Whether at least one current job host can fork and answers.</summary>
    public bool AreHealthy => Current.Any(static host => host.IsHealthy);

    /// <summary>Starts the configured job hosts and waits until all of them can fork.</summary>
    /// <exception cref="JobHostException">A job host cannot serve; the message says why.</exception>
    public Task StartAsync(JobIsolation jobIsolation)
    {
        isolation = jobIsolation;
        return Task.WhenAll(Current.Select(host => host.StartAsync(jobIsolation)));
    }

    /// <summary>
    /// Starts the job hosts that a changed configuration or executable requires, in parallel to the current ones. Nothing else changes
    /// before <see cref="Change.Commit"/>.
    /// </summary>
    /// <param name="options">The configured job hosts, at least one.</param>
    /// <exception cref="ConfigurationException">
    /// A job host cannot serve; the messages say which and why. All job hosts that this call started end.
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

    /// <summary>Fails all requests that have no worker yet.</summary>
    public void Refuse(string reason)
    {
        foreach (JobHostPool host in All)
            host.Refuse(reason);
    }

    /// <summary>Stops all job hosts and their workers.</summary>
    public Task StopAsync() => Task.WhenAll(All.Select(static host => host.StopAsync()));

    private JobHostPool[] All => [.. Current, .. former, .. starting];

    private JobHostPool Make(JobHostOptions entry) => new(context, entry, ReportJobsChanged);

    /// <summary>Reports changed jobs of a current job host. A starting or former job host changes nothing.</summary>
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
    /// <param name="hosts">The job hosts that will serve, in their order.</param>
    /// <param name="fresh">The started ones among them.</param>
    /// <param name="replaced">Those among them that have the same entry as a current job host.</param>
    internal sealed class Change(
        JobHosts owner, IReadOnlyList<JobHostPool> hosts, IReadOnlyList<JobHostPool> fresh, IReadOnlyList<JobHostPool> replaced)
        : IAsyncDisposable
    {
        private bool isCommitted;

        /// <summary>The job hosts that will serve, in their order.</summary>
        public IReadOnlyList<JobHostPool> Hosts => hosts;

        /// <summary>The changes beyond the configuration, one item each.</summary>
        public IEnumerable<string> Items => replaced.Select(static host => $"the executable {host.Path}");

        /// <summary>Makes these job hosts the current ones. The others end with their last jobs.</summary>
        public void Commit()
        {
            isCommitted = true;
            Leave();
            owner.Replace(hosts);
        }

        /// <summary>Stops the started job hosts, unless the change was committed.</summary>
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
