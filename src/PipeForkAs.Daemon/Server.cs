using Microsoft.Extensions.Logging;
using PipeForkAs.Daemon.Accounts;
using PipeForkAs.Daemon.Auditing;
using PipeForkAs.Daemon.Authorization;
using PipeForkAs.Daemon.Commands;
using PipeForkAs.Daemon.Configuration;
using PipeForkAs.Daemon.EventLoop;
using PipeForkAs.Daemon.Fairness;
using PipeForkAs.Daemon.Forking;
using PipeForkAs.Daemon.Isolation;
using PipeForkAs.Daemon.Listening;
using PipeForkAs.Daemon.Patterns;
using PipeForkAs.Daemon.Replying;
using PipeForkAs.Daemon.Requests;
using PipeForkAs.Daemon.Systemd;
using PipeForkAs.Daemon.Untrusted;
using PipeForkAs.Daemon.Users;
using PipeForkAs.LibC;
using PipeForkAs.Protocol;
using PipeForkAs.Protocol.Client;

namespace PipeForkAs.Daemon;

/// <summary>The daemon's parts put together: job hosts, listener, connections. All of it runs on the loop.</summary>
internal sealed class Server
{
    /// <summary>How long a stop waits for requests of clients that are connected already.</summary>
    private static readonly TimeSpan LastRequestPatience = TimeSpan.FromMilliseconds(500);

    private static readonly TimeSpan LastRequestPause = TimeSpan.FromMilliseconds(10);

    /// <summary>How long a stop waits for the audit file.</summary>
    private static readonly TimeSpan LastRecordPatience = TimeSpan.FromSeconds(5);

    private readonly Loop loop;
    private readonly DaemonOptions options;
    private readonly ILogger logger;
    private readonly List<JobHost> hosts = [];
    private readonly JobCatalog catalog;
    private readonly FileDescriptor? handed;
    private readonly ServiceReport report;
    private readonly RunningJobs running;
    private readonly FairTurns turns;
    private readonly JobSlots slots;
    private readonly PolicyAuthorizer authorizer;
    private readonly NameLookUps lookUps;
    private readonly NameWatch names;
    private readonly OrderBuilder orders;
    private readonly Audit audit;
    private readonly Connections connections;
    private readonly PolicyDoubts doubts;
    private readonly DescriptorCheck descriptors;
    private JobIsolation? isolation;
    private Acceptor? acceptor;
    private Task? stopped;

    /// <param name="loop">The loop.</param>
    /// <param name="options">The configuration.</param>
    /// <param name="lookUps">Looks up the names that the policy's rules use.</param>
    /// <param name="handed">A listening socket that the service manager handed over; null to make one.</param>
    /// <param name="report">What the service manager is told.</param>
    /// <param name="counts">Where requests are counted.</param>
    /// <param name="logger">The log.</param>
    /// <param name="auditLogger">The log of requests.</param>
    public Server(
        Loop loop, DaemonOptions options, NameLookUps lookUps, FileDescriptor? handed, ServiceReport report, RequestCounts counts,
        LimitedLogger logger, ILogger auditLogger)
    {
        this.lookUps = lookUps;
        this.handed = handed;
        this.report = report;
        running = new RunningJobs(counts, loop.Time);
        this.loop = loop;
        this.options = options;
        this.logger = logger;
        Reaper = new ChildReaper(failure => Log.LoopBroke(logger, failure));
        descriptors = new DescriptorCheck(loop, Reaper, options.Socket.DescriptorCheck == SocketOptions.ByDaemon, logger);
        foreach (JobHostOptions host in options.JobHosts)
            hosts.Add(new JobHost(loop, Reaper, descriptors, host, logger) { JobsChanged = RefreshCatalog });
        catalog = new JobCatalog(hosts, CommandJob.All(options), options.Jobs);
        turns = new FairTurns(loop);
        var unkillable = new UnkillableJobs(loop);
        var users = new UserDatabase(loop, turns, options.Limits, UserDatabase.AskSystem, UserDatabase.SystemFiles);
        var accounts = new AccountGate(loop, turns, options, ShadowDatabase.Find, new PamCheck(loop, Reaper, options).AskAsync);
        var patterns = new PatternMatcher(loop, logger);
        authorizer = new PolicyAuthorizer(
            PolicyReader.Read(options.Policy), users, patterns,
            new WorkerConsents(
                loop, options.Limits, (bucket, timeout) => hosts[0].TakeAsync(bucket, timeout, forRoot: false), unkillable, Libc.getgrgid_name));
        names = new NameWatch(loop, lookUps, options.Limits, policy => authorizer.Policy = policy, logger);
        authorizer.Names = names;
        doubts = new PolicyDoubts(doubt => Log.PolicyDoubted(logger, doubt));
        orders = new OrderBuilder(options.Limits, patterns);
        slots = new JobSlots(loop, turns, unkillable, options.Limits);
        var checking = new Checking(catalog, authorizer, users, accounts, orders);
        audit = new Audit(
            auditLogger, loop.Time, (delay, callback) => loop.Schedule(delay, callback),
            job => catalog.Find(job)?.Description.AuditedArguments ?? []);
        var overseeing = new Overseeing(hosts, running, slots, audit, logger, loop);
        var story = new RequestStory(
            options, catalog, authorizer, accounts, orders, checking, overseeing, slots, running, turns, descriptors,
            new UserBars(descriptors.Offenders, unkillable, options.Limits), audit, logger);
        var buckets = new CallerBuckets(loop, options.Limits, users);
        connections = new Connections(loop, descriptors, options.Limits, buckets, turns, story.TellAsync, new BusyRefusals(turns, counts, audit), logger);
        descriptors.Offenders.Barred += bucket =>
        {
            connections.Abandon(bucket);
            running.EndAllOf(bucket, EndReason.HeldUp);
        };
        connections.WhenEnded = IdleCollection.OfProcess(loop, () => connections.Count == 0).RequestEnded;
    }

    /// <summary>Reaps the daemon's children; to be swept at SIGCHLD.</summary>
    public ChildReaper Reaper { get; }

    /// <summary>Starts the job hosts, and listens once all of them can fork.</summary>
    /// <exception cref="JobHostException">A job host cannot serve.</exception>
    /// <exception cref="IsolationException">Jobs cannot be isolated as the configuration demands.</exception>
    /// <exception cref="ListenException">Something is in the way of the socket.</exception>
    /// <exception cref="ConfigurationException">
    /// The audit file cannot be opened, or names or jobs are not as the configuration demands.
    /// </exception>
    public async Task StartAsync()
    {
        names.Begin();
        GoBy(await ResolvedPolicy.ReadAsync(options, lookUps));
        using (Audit.Change auditing = await audit.PrepareAsync(options.Audit))
            auditing.Keep();
        isolation = IsolationChoice.Make(loop, options, Reaper, logger);
        await isolation.ClearAsync();
        await Task.WhenAll(hosts.Select(host => host.StartAsync(isolation)));
        catalog.Refresh();
        if (stopped is not null)
            throw new OperationCanceledException("a stop was asked for before the start was done");
        SocketListener listener = Listen();
        acceptor = new Acceptor(loop, listener, connections, logger);
        await TellDoubtsAsync();
        if (SandboxSupport.LeavesSignals(catalog.All.SelectMany(job => job.Description.Sandboxes ?? []), Libc.landlock_abi))
            Log.SandboxesLeaveSignals(logger, Libc.landlock_abi(), Sandbox.SignalsVersion);
        Log.Listening(logger, listener.Path, catalog.All.Count());
        report.IsWell = () => hosts.Exists(static host => host.IsWell);
        report.Start();
        acceptor.Start();
    }

    /// <summary>
    /// Goes by another policy, other limits, other commands and other restrictions from now on, all of them or none. What runs keeps what it was granted: a
    /// request goes by one policy, and its job's order and deadline were made when it began.
    /// </summary>
    /// <param name="fresh">The configuration.</param>
    /// <param name="policy">Its policy.</param>
    /// <param name="commands">Its commands.</param>
    /// <returns>Completes when the log tells the doubts about the policy; all else is done at once.</returns>
    /// <exception cref="ConfigurationException">
    /// The audit file cannot be opened, a command has the name of a job, or there is no job to restrict.
    /// </exception>
    public async Task ApplyAsync(DaemonOptions fresh, ResolvedPolicy policy, IReadOnlyList<CommandJob> commands)
    {
        using Audit.Change auditing = await audit.PrepareAsync(fresh.Audit);
        catalog.Replace(commands, fresh.Jobs);
        auditing.Keep();
        options.Policy = fresh.Policy;
        options.Sources = fresh.Sources;
        options.Limits.Take(fresh.Limits);
        orders.Apply(options.Limits);
        slots.ServeWaiting();
        connections.Reconsider();
        GoBy(policy);
        await TellDoubtsAsync();
    }

    /// <summary>Opens the audit file anew.</summary>
    public void ReopenAudit() => audit.Reopen();

    /// <summary>Takes nothing new, lets what runs come to its end for a time, and ends the rest. Once, however often it is called.</summary>
    public Task StopAsync() => stopped ??= EndAsync();

    private async Task EndAsync()
    {
        long begun = loop.Time.GetTimestamp();
        if (acceptor is not null)
            await acceptor.StopAsync();
        report.Stop();
        names.End();
        if (acceptor is not null)
            Log.Draining(logger, connections.Count, options.Limits.DrainTimeout.TotalSeconds);
        await LastRequestsAsync();
        running.Stopping = true;
        slots.RefuseAll();
        foreach (Connection connection in connections)
            connection.Interrupt(ReplyCode.ShuttingDown, "the daemon is stopping; nothing was run");

        if (!await connections.AllEndedAsync(options.Limits.DrainTimeout - loop.Time.GetElapsedTime(begun)))
        {
            running.EndAll(EndReason.ShuttingDown);
            hosts.ForEach(static host => host.Refuse("the daemon is stopping"));
            await connections.AllEndedAsync(options.Limits.KillGrace + TimeSpan.FromSeconds(5));
        }

        foreach (Connection connection in connections)
            connection.Close();
        await Task.WhenAll(hosts.Select(host => host.StopAsync()));
        if (isolation is not null)
            await isolation.StopAsync();
        await descriptors.StopAsync();
        await Task.WhenAny(audit.EndAsync(), loop.DelayAsync(LastRecordPatience));
        audit.TellWhatIsLeft();
        report.End();
        if (acceptor is null)
            return;
        TurnTimes turnTimes = loop.TurnTimes;
        Log.LongestTurn(logger, turnTimes.Longest * 1000, turnTimes.LongestOnProcessor * 1000, turnTimes.LongestStep ?? "none of 1 ms");
        Log.Stopped(logger);
    }

    private void GoBy(ResolvedPolicy policy)
    {
        authorizer.Policy = policy.Policy;
        names.Follow(policy, options.Sources);
    }

    private SocketListener Listen()
    {
        if (handed is null)
            return SocketListener.Open(options.Socket.Path, OptionsCheck.ParseOctal(options.Socket.Mode), descriptors);

        SocketListener adopted = SocketListener.Adopt(handed, descriptors);
        if (SocketListener.FolderProblem(adopted.Path) is { } problem)
            Log.OpenFolder(logger, adopted.Path, problem);
        if (adopted.Path != options.Socket.Path)
            Log.OtherPath(logger, adopted.Path, options.Socket.Path);
        else if (Libc.lstat(adopted.Path) is { } file && file.Permissions != OptionsCheck.ParseOctal(options.Socket.Mode))
            Log.OtherMode(logger, adopted.Path, Convert.ToString(file.Permissions, 8), options.Socket.Mode);
        return adopted;
    }

    /// <summary>Who was let in before the stop is served, where the request comes soon: no client is turned away by a restart.</summary>
    private async Task LastRequestsAsync()
    {
        TimeSpan patience = options.Limits.DrainTimeout < LastRequestPatience ? options.Limits.DrainTimeout : LastRequestPatience;
        long begun = loop.Time.GetTimestamp();
        while ((slots.Waiting > 0 || turns.Waiting > 0 || connections.IsAnyReceiving) && loop.Time.GetElapsedTime(begun) < patience)
            await loop.DelayAsync(LastRequestPause);
    }

    private async Task TellDoubtsAsync()
    {
        try
        {
            await doubts.TellAsync(authorizer.Policy, [.. catalog.All.Select(job => job.Description)]);
        }
#pragma warning disable CA1031 // Doubts are for the log: what fails about them is logged, and no start or reload fails with it.
        catch (Exception failure)
#pragma warning restore CA1031
        {
            Log.LoopBroke(logger, failure);
        }
    }

    private void RefreshCatalog()
    {
        try
        {
            // At the first start not all job hosts are there yet; StartAsync refreshes then.
            if (acceptor is null)
                return;
            catalog.Refresh();
            loop.Start(TellDoubtsAsync);
        }
        catch (ConfigurationException failure)
        {
            Log.CatalogRefused(logger, failure.Message);
        }
    }
}
