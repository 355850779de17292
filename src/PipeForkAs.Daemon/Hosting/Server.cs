using Microsoft.Extensions.Hosting.Systemd;
using Microsoft.Extensions.Logging;
using PipeForkAs.Daemon.Accounts;
using PipeForkAs.Daemon.Auditing;
using PipeForkAs.Daemon.Authorization;
using PipeForkAs.Daemon.Callers;
using PipeForkAs.Daemon.Commands;
using PipeForkAs.Daemon.Configuration;
using PipeForkAs.Daemon.EventLoop;
using PipeForkAs.Daemon.Fairness;
using PipeForkAs.Daemon.Forking;
using PipeForkAs.Daemon.Isolation;
using PipeForkAs.Daemon.Listening;
using PipeForkAs.Daemon.Logging;
using PipeForkAs.Daemon.Patterns;
using PipeForkAs.Daemon.Processes;
using PipeForkAs.Daemon.Reloading;
using PipeForkAs.Daemon.Requests;
using PipeForkAs.Daemon.Untrusted;
using PipeForkAs.Daemon.Upgrading;
using PipeForkAs.Daemon.Users;
using PipeForkAs.LibC;
using PipeForkAs.Protocol;
using PipeForkAs.Protocol.Client;

namespace PipeForkAs.Daemon.Hosting;

/// <summary>The daemon's parts put together: job hosts, listener, connections. All of it runs on the loop.</summary>
internal sealed class Server : IReloadable, ISuccessorOwner
{
    /// <summary>How long a stop waits for requests of clients that are connected already.</summary>
    private static readonly TimeSpan LastRequestPatience = TimeSpan.FromMilliseconds(500);

    private static readonly TimeSpan LastRequestPause = TimeSpan.FromMilliseconds(10);

    /// <summary>How long a stop waits for the audit file.</summary>
    private static readonly TimeSpan LastRecordPatience = TimeSpan.FromSeconds(5);

    private readonly Loop loop;
    private readonly DaemonOptions options;
    private readonly ILogger logger;
    private readonly JobHosts hosts;
    private readonly JobCatalog catalog;
    private readonly FileDescriptor? handed;
    private readonly Upgrade upgrade;
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
    private readonly PolicyWarnings warnings;
    private readonly DescriptorCheck descriptors;
    private readonly Reload reload;
    private readonly UnkillableJobs unkillable;
    private JobIsolation? isolation;
    private Acceptor? acceptor;
    private Task? stopped;
    private bool isStopAsked;

    /// <param name="loop">The loop.</param>
    /// <param name="options">The configuration.</param>
    /// <param name="handed">A listening socket that the service manager or a former daemon handed over; null to make one.</param>
    /// <param name="upgrade">Lets a new daemon take over, and this one from a former one.</param>
    /// <param name="report">What the service manager is told.</param>
    /// <param name="counts">Where requests are counted.</param>
    /// <param name="logger">The log.</param>
    /// <param name="auditLogger">The log of requests.</param>
    /// <param name="reader">Reads the configuration for a reload.</param>
    /// <param name="notifier">The service manager.</param>
    public Server(
        Loop loop, DaemonOptions options, FileDescriptor? handed, Upgrade upgrade, ServiceReport report, RequestCounts counts,
        LimitedLogger logger, ILogger auditLogger, Reloader reader, ISystemdNotifier notifier)
    {
        reload = new Reload(reader, this, notifier, logger);
        lookUps = reader.LookUps;
        this.handed = handed;
        this.upgrade = upgrade;
        this.report = report;
        running = new RunningJobs(counts, loop.Time);
        this.loop = loop;
        this.options = options;
        this.logger = logger;
        Reaper = new ChildReaper(failure => Log.LoopBroke(logger, failure));
        descriptors = new DescriptorCheck(loop, Reaper, options.Socket.DescriptorCheck == SocketOptions.ByDaemon, logger);
        hosts = new JobHosts(loop, Reaper, descriptors, options.JobHosts, logger) { JobsChanged = RefreshCatalog };
        catalog = new JobCatalog(hosts.Current, CommandJob.All(options), options.Jobs);
        turns = new FairTurns(loop);
        unkillable = new UnkillableJobs(loop);
        var users = new UserDatabase(loop, turns, options.Limits, UserDatabase.AskSystem, UserDatabase.SystemFiles);
        var accounts = new AccountGate(loop, turns, options, ShadowDatabase.Find, new PamCheck(loop, Reaper, options).AskAsync);
        var patterns = new PatternMatcher(loop, logger);
        authorizer = new PolicyAuthorizer(
            PolicyReader.Read(options.Policy), users, patterns,
            new WorkerConsents(
                loop, options.Limits, (bucket, timeout) => hosts.First.TakeAsync(bucket, timeout, forRoot: false), unkillable,
                Libc.getgrgid_name),
            job => catalog.Find(job)?.Arguments);
        names = new NameWatch(
            loop, lookUps, options.Limits, UserDatabase.SystemFiles, policy => authorizer.Policy = policy, logger);
        authorizer.Names = names;
        warnings = new PolicyWarnings(warning => Log.PolicyDoubted(logger, warning));
        orders = new OrderBuilder(options.Limits, patterns);
        slots = new JobSlots(loop, turns, unkillable, options.Limits);
        var checkHandler = new CheckHandler(catalog, authorizer, users, accounts, orders);
        audit = new Audit(
            auditLogger, loop.Time, (delay, callback) => loop.Schedule(delay, callback),
            job => catalog.Find(job)?.Description.AuditedArguments ?? []);
        var statusHandler = new StatusHandler(hosts, running, slots, turns, upgrade.Predecessor, audit, ReloadAsync, logger, loop);
        var pipeline = new RequestPipeline(
            options, catalog, authorizer, accounts, orders, checkHandler, statusHandler, slots, running, turns, descriptors,
            new UserBans(descriptors.Offenders, unkillable, options.Limits), audit, logger);
        var buckets = new CallerBuckets(loop, options.Limits, users);
        connections = new Connections(loop, descriptors, options.Limits, buckets, turns, pipeline.HandleAsync, new BusyRefusals(turns, counts, audit), logger);
        descriptors.Offenders.Banned += bucket =>
        {
            connections.Abandon(bucket);
            running.EndAllOf(bucket, EndReason.HeldUp);
        };
        connections.WhenEnded = IdleGarbageCollection.OfProcess(loop, () => connections.Count == 0).RequestEnded;
    }

    /// <summary>Reaps the daemon's children; to be swept at SIGCHLD.</summary>
    public ChildReaper Reaper { get; }

    /// <inheritdoc/>
    bool ISuccessorOwner.IsStopping => stopped is not null;

    /// <summary>Whether a stop does not wait for silent clients: no other daemon serves, or the whole service stops.</summary>
    private bool WaitsForNoSilence => !upgrade.IsHandedOver || isStopAsked;

    /// <summary>Starts the job hosts, and listens once all of them can fork.</summary>
    /// <exception cref="JobHostException">A job host cannot serve.</exception>
    /// <exception cref="IsolationException">Jobs cannot be isolated as the configuration demands.</exception>
    /// <exception cref="ListenException">Something is in the way of the socket.</exception>
    /// <exception cref="ConfigurationException">
    /// The audit file cannot be opened, or names or jobs are not as the configuration demands.
    /// </exception>
    /// <exception cref="UpgradeException">The former daemon does not let this one take over.</exception>
    public async Task StartAsync()
    {
        ApplyPolicy(await ResolvedPolicy.ReadAsync(options, lookUps));
        using (Audit.Change auditing = await audit.PrepareAsync(options.Audit))
            auditing.Keep();
        isolation = IsolationChoice.Make(loop, options, Reaper, upgrade.Predecessor?.Offer.Cgroup, upgrade.Generation, logger);
        isolation.WhereLeft = (user, gone) => loop.Start(() => unkillable.WatchAsync(Bucket.OfAccount(user), gone, static () => { }));
        await isolation.ClearAsync();
        await hosts.StartAsync(isolation);
        catalog.Refresh();
        if (stopped is not null)
            throw new OperationCanceledException("a stop was asked for before the start was done");
        SocketListener listener = Listen();
        acceptor = new Acceptor(loop, listener, connections, logger);
        await LogPolicyWarningsAsync();
        if (SandboxSupport.LeavesSignals(catalog.All.SelectMany(job => job.Description.Sandboxes ?? []), Libc.landlock_abi))
            Log.SandboxesLeaveSignals(logger, Libc.landlock_abi(), Sandbox.SignalsVersion);
        Log.Listening(logger, listener.Path, catalog.All.Count());
        if (upgrade.Predecessor is { } former)
            await TakeOverAsync(former);
        report.IsHealthy = () => hosts.AreHealthy;
        report.Start();
        acceptor.Start();
        reload.Open();
    }

    /// <summary>
    /// Goes by another policy, other limits, other job hosts, other commands and other restrictions from now on, all of them or none. What
    /// runs keeps what it was granted: a request goes by one policy, and its job's order and deadline were made when it began. Completes
    /// when the log tells the warnings about the policy; all else is done at once.
    /// </summary>
    public async Task<IReadOnlyList<string>> ApplyAsync(Reloaded fresh)
    {
        using Audit.Change auditing = await audit.PrepareAsync(fresh.Options.Audit);
        await using JobHosts.Change hosting = await hosts.PrepareAsync(fresh.Options.JobHosts);
        if (stopped is not null)
            throw new JobHostException("the daemon is stopping");
        catalog.Replace(hosting.Hosts, fresh.Commands, fresh.Options.Jobs);
        hosting.Keep();
        auditing.Keep();
        options.JobHosts = fresh.Options.JobHosts;
        options.Policy = fresh.Options.Policy;
        options.Sources = fresh.Options.Sources;
        options.Limits.Take(fresh.Options.Limits);
        orders.Apply(options.Limits);
        slots.ServeWaiting();
        connections.Reevaluate();
        ApplyPolicy(fresh.Policy);
        await LogPolicyWarningsAsync();
        return [.. hosting.Items];
    }

    /// <inheritdoc/>
    public async Task<string?> UpgradeAsync()
    {
        CgroupOffer? cgroup = (isolation as CgroupIsolation)?.Offer;
        if (acceptor is not { } current || !upgrade.IsDue(cgroup is not null, logger))
            return null;
        ProcessId pid = await upgrade.RunAsync(loop, Reaper, current.Listener, cgroup!, this, logger);
        Log.HandedOver(logger, pid.Value, options.Limits.DrainTimeout.TotalSeconds, connections.Count);
        return $"the daemon, which is process {pid} now";
    }

    /// <summary>Opens the audit file again, whatever the configuration says, and reloads.</summary>
    public Task<ReloadResult> ReloadAsync()
    {
        audit.Reopen();
        return reload.RunAsync();
    }

    /// <summary>Takes nothing new, lets what runs come to its end for a time, and ends the rest. Once, however often it is called.</summary>
    public Task StopAsync() => stopped ??= EndAsync();

    private async Task EndAsync()
    {
        long begun = loop.Time.GetTimestamp();
        reload.Close();
        if (acceptor is not null)
            await acceptor.StopAsync();
        report.Stop();
        names.End();
        if (connections.Count > 0 && !upgrade.IsHandedOver)
            Log.Draining(logger, options.Limits.DrainTimeout.TotalSeconds, Drain.Requests(connections.Count, running));

        // Where another daemon serves, those who are connected here have all of the time, unless the service stops.
        if (WaitsForNoSilence)
        {
            upgrade.Predecessor?.SendStop();
            await RefuseNewAsync();
        }

        var drain = new Drain(loop, connections, running, () => WaitsForNoSilence, logger);
        if (!await drain.WaitAsync(options.Limits.DrainTimeout - loop.Time.GetElapsedTime(begun)))
        {
            await RefuseNewAsync();
            running.EndAll(EndReason.ShuttingDown);
            hosts.Refuse("the daemon is stopping");
            await connections.AllEndedAsync(options.Limits.KillGrace + TimeSpan.FromSeconds(5));
        }

        foreach (Connection connection in connections)
            connection.Close();
        await hosts.StopAsync();
        if (upgrade.Predecessor is { } former)
            await former.StopAsync();
        if (isolation is not null)
            await isolation.StopAsync();
        await descriptors.StopAsync();
        await Task.WhenAny(audit.EndAsync(), loop.DelayAsync(LastRecordPatience));
        audit.LogUnwritten();
        report.End();
        if (acceptor is null)
            return;
        TurnTimes turnTimes = loop.TurnTimes;
        Log.LongestTurn(logger, turnTimes.Longest * 1000, turnTimes.LongestOnProcessor * 1000, turnTimes.LongestStep ?? "none of 1 ms");
        Log.Stopped(logger);
    }

    private void ApplyPolicy(ResolvedPolicy policy)
    {
        authorizer.Policy = policy.Policy;
        names.Follow(policy, options.Sources);
    }

    private SocketListener Listen()
    {
        if (handed is null)
            return SocketListener.Open(options.Socket.Path, PermissionBits.Parse(options.Socket.Mode), descriptors);

        SocketListener adopted = SocketListener.Adopt(
            handed, descriptors, upgrade.Predecessor?.Offer.SocketDevice, upgrade.Predecessor?.Offer.SocketInode);
        if (SocketListener.FolderProblem(adopted.Path) is { } problem)
            Log.OpenFolder(logger, adopted.Path, problem);
        if (adopted.Path != options.Socket.Path)
            Log.OtherPath(logger, adopted.Path, options.Socket.Path);
        else if (Libc.lstat(adopted.Path) is { } file && file.Permissions != PermissionBits.Parse(options.Socket.Mode))
            Log.OtherMode(logger, adopted.Path, Convert.ToString(file.Permissions, 8), options.Socket.Mode);
        return adopted;
    }

    private async Task TakeOverAsync(Predecessor former)
    {
        running.NextId = await former.TakeOverAsync(loop, turns);
        Log.TookOver(logger, former.Pid.Value, running.NextId);
        loop.Start(async () =>
        {
            await former.Ended;
            Log.PredecessorEnded(logger);
            isolation?.FormerDaemonEnded();
        });
    }

    /// <inheritdoc/>
    long ISuccessorOwner.HandOver()
    {
        acceptor!.HandOver();

        // Each client that is connected here may still begin one job.
        return running.NextId + connections.Count;
    }

    /// <inheritdoc/>
    void ISuccessorOwner.StopWasAsked()
    {
        if (isStopAsked)
            return;
        isStopAsked = true;
        upgrade.Predecessor?.SendStop();
        loop.Start(RefuseNewAsync);
    }

    /// <inheritdoc/>
    ValueTask ISuccessorOwner.TurnAsync() => turns.EnterAsync(Bucket.Root);

    /// <inheritdoc/>
    async Task<JobsAnswer> ISuccessorOwner.AnswerAsync(JobsQuestion question)
    {
        var caller = new UserId(question.Caller);
        await turns.EnterAsync(Bucket.Root);
        bool isCancelled = question.Cancel is { } id && running.Cancel(id, caller);
        JobsAnswer? others = upgrade.Predecessor is { } former && !isCancelled
            ? await former.AskAsync(Bucket.Root, caller, question.Cancel)
            : null;
        await turns.EnterAsync(Bucket.Root);
        return new JobsAnswer(
            question.Number, question.Cancel is null ? [.. others?.Jobs ?? [], .. running.KnownTo(caller)] : [],
            running.Counts.Running + (others?.Running ?? 0), isCancelled || others is { IsCancelled: true }, HasMore: false);
    }

    /// <inheritdoc/>
    void ISuccessorOwner.SuccessorDied(ProcessId pid) => Log.SuccessorDied(logger, pid.Value);

    private async Task RefuseNewAsync()
    {
        if (running.Stopping)
            return;
        await LastRequestsAsync();
        running.Stopping = true;
        slots.RefuseAll();
        foreach (Connection connection in connections)
            connection.Interrupt(ReplyCode.ShuttingDown, "the daemon is stopping; nothing was run");
    }

    /// <summary>Who was let in before the stop is served, where the request comes soon: no client is turned away by a restart.</summary>
    private async Task LastRequestsAsync()
    {
        TimeSpan patience = options.Limits.DrainTimeout < LastRequestPatience ? options.Limits.DrainTimeout : LastRequestPatience;
        long begun = loop.Time.GetTimestamp();
        while ((slots.Waiting > 0 || turns.Waiting > 0 || connections.IsAnyReceiving) && loop.Time.GetElapsedTime(begun) < patience)
            await loop.DelayAsync(LastRequestPause);
    }

    private async Task LogPolicyWarningsAsync()
    {
        try
        {
            await warnings.LogAsync(authorizer.Policy, [.. catalog.All.Select(job => job.Description)]);
        }
#pragma warning disable CA1031 // Warnings are for the log: what fails about them is logged, and no start or reload fails with it.
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
            loop.Start(LogPolicyWarningsAsync);
        }
        catch (ConfigurationException failure)
        {
            Log.CatalogRefused(logger, failure.Message);
        }
    }
}
