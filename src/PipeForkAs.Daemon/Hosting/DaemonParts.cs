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
using PipeForkAs.Daemon.Logging;
using PipeForkAs.Daemon.Patterns;
using PipeForkAs.Daemon.Processes;
using PipeForkAs.Daemon.Reloading;
using PipeForkAs.Daemon.Requests;
using PipeForkAs.Daemon.Untrusted;
using PipeForkAs.Daemon.Users;
using PipeForkAs.LibC;

namespace PipeForkAs.Daemon.Hosting;

/// <summary>Creates and connects the parts of the daemon. All of them run on the loop.</summary>
internal sealed class DaemonParts
{
    public DaemonParts(DaemonContext context)
    {
        (Loop loop, LimitedLogger logger, DaemonOptions options) = (context.Loop, context.Logger, context.Options);
        Context = context;
        Configuration = new CurrentConfiguration(options);
        Counts = new RequestCounts(() => Report!.Refresh());
        Report = new ServiceReport(loop, context.Manager, context.Notifier, Counts, () => Hosts!.AreHealthy);
        Running = new RunningJobs(Counts, loop.Time);
        Reaper = new ChildReaper(failure => Log.LoopBroke(logger, failure));
        Turns = new FairTurns(loop);
        Descriptors = new DescriptorCheck(loop, Reaper, options.Socket.DescriptorCheck == SocketOptions.ByDaemon, logger, EndAllOf);
        Hosts = new JobHosts(new HostContext(loop, Reaper, Descriptors, logger), options.JobHosts, () => Policies!.RefreshCatalog());
        Catalog = new JobCatalog(Hosts.Current, CommandJob.All(options), options.Jobs);
        Unkillable = new UnkillableJobs(loop);
        var users = new UserDatabase(loop, Turns, Configuration, UserDatabase.AskSystem, UserDatabase.SystemFiles);
        var patterns = new PatternMatcher(loop, logger);
        var policy = new CurrentPolicy(PolicyReader.Read(options.Policy));
        var names = new NameWatch(loop, context.Reader.LookUps, Configuration, UserDatabase.SystemFiles, policy, logger);
        var authorizer = new PolicyAuthorizer(
            policy, users, patterns, names,
            new WorkerConsents(
                loop, Configuration, (bucket, timeout) => Hosts.First.TakeAsync(bucket, timeout, forRoot: false), Unkillable,
                Libc.getgrgid_name),
            job => Catalog.Find(job)?.Arguments);
        Policies = new PolicyUpdates(loop, policy, names, Catalog, logger);
        Slots = new JobSlots(loop, Turns, Unkillable, Configuration);
        Audit = new Audit(
            context.AuditLogger, loop.Time, (delay, callback) => loop.Schedule(delay, callback),
            job => Catalog.Find(job)?.Description.AuditedArguments ?? []);
        Pam = new PamProcess(loop, Reaper);
        var accounts = new AccountGate(loop, Turns, Configuration, ShadowDatabase.Find, new PamCheck(Pam, Configuration).AskAsync);
        Tickets = new Tickets(loop.Time, Configuration, users, accounts.ShadowOfAsync, authorizer.MaySignInAsync, Libc.time_since_boot);
        RequestPipeline pipeline = MakePipeline(users, accounts, authorizer, patterns);
        IdleGarbageCollection garbage = IdleGarbageCollection.OfProcess(loop, () => Connections!.Count == 0);
        Connections = new Connections(
            loop, Descriptors, Configuration, new CallerBuckets(loop, Configuration, users), Turns, pipeline.HandleAsync,
            new BusyRefusals(Turns, Counts, Audit), garbage.RequestEnded, logger);
        Lifecycle = new Lifecycle(this);
        Reload = new Reload(context.Reader, new ReloadTarget(this), context.Notifier, logger);
    }

    public DaemonContext Context { get; }

    public CurrentConfiguration Configuration { get; }

    public RequestCounts Counts { get; }

    public ServiceReport Report { get; }

    public RunningJobs Running { get; }

    /// <summary>Reaps the daemon's children; it must sweep at each SIGCHLD.</summary>
    public ChildReaper Reaper { get; }

    public FairTurns Turns { get; }

    public DescriptorCheck Descriptors { get; }

    public JobHosts Hosts { get; }

    public JobCatalog Catalog { get; }

    public UnkillableJobs Unkillable { get; }

    public PolicyUpdates Policies { get; }

    public JobSlots Slots { get; }

    public Audit Audit { get; }

    /// <summary>Asks PAM; its processes must end with the daemon.</summary>
    public PamProcess Pam { get; }

    /// <summary>The tickets of users who have signed in.</summary>
    public Tickets Tickets { get; }

    public Connections Connections { get; }

    public Lifecycle Lifecycle { get; }

    public Reload Reload { get; }

    /// <summary>Reopens the audit file, even if the configuration has not changed, and reloads.</summary>
    public Task<ReloadResult> ReloadAsync()
    {
        Audit.Reopen();
        return Reload.RunAsync();
    }

    private RequestPipeline MakePipeline(
        UserDatabase users, AccountGate accounts, PolicyAuthorizer authorizer, PatternMatcher patterns)
    {
        (Loop loop, LimitedLogger logger) = (Context.Loop, Context.Logger);
        var orders = new OrderBuilder(Configuration, patterns);
        var bans = new UserBans(Descriptors.Offenders, Unkillable, Configuration);
        var former = new FormerJobs(Context.Upgrade.Predecessor, Turns);
        var queries = new QueryHandlers(
            Configuration, Catalog, authorizer, new CheckHandler(Catalog, authorizer, users, accounts, Tickets, orders),
            new StatusHandler(Hosts, Running, Slots, former, Audit, logger, loop), new CancelHandler(Running, former),
            new ReloadHandler(ReloadAsync),
            new SignInHandler(
                loop, Configuration, Audit, authorizer, users, accounts, new PasswordCheck(Pam), Tickets, Turns,
                () => Lifecycle.IsStopping || Context.Upgrade.IsHandedOver));
        return new RequestPipeline(
            Configuration,
            new JobAuthorization(Audit, authorizer, Catalog, bans, accounts, Tickets, orders),
            new JobRunner(Configuration, Slots, Running, Descriptors),
            queries,
            new RequestRecords(Audit, Counts),
            logger);
    }

    /// <summary>Ends the connections and the jobs of a bucket that was banned.</summary>
    private void EndAllOf(Bucket bucket)
    {
        Connections.Abandon(bucket);
        Running.EndAllOf(bucket, EndReason.HeldUp);
    }
}
