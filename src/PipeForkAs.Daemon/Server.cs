using Microsoft.Extensions.Logging;
using PipeForkAs.Daemon.Accounts;
using PipeForkAs.Daemon.Auditing;
using PipeForkAs.Daemon.Authorization;
using PipeForkAs.Daemon.Commands;
using PipeForkAs.Daemon.Configuration;
using PipeForkAs.Daemon.EventLoop;
using PipeForkAs.Daemon.Forking;
using PipeForkAs.Daemon.Isolation;
using PipeForkAs.Daemon.Listening;
using PipeForkAs.Daemon.Replying;
using PipeForkAs.Daemon.Requests;
using PipeForkAs.Daemon.Systemd;
using PipeForkAs.Daemon.Users;
using PipeForkAs.LibC;
using PipeForkAs.Protocol.Client;

namespace PipeForkAs.Daemon;

/// <summary>The daemon's parts put together: job hosts, listener, connections. All of it runs on the loop.</summary>
internal sealed class Server
{
    private static readonly TimeSpan AcceptPause = TimeSpan.FromMilliseconds(100);

    /// <summary>How long a client with too many connections may take to say in which form it wants to read that.</summary>
    private static readonly TimeSpan BusyPatience = TimeSpan.FromMilliseconds(100);

    /// <summary>How long a stop waits for requests of clients that are connected already.</summary>
    private static readonly TimeSpan LastRequestPatience = TimeSpan.FromMilliseconds(500);

    private static readonly TimeSpan LastRequestPause = TimeSpan.FromMilliseconds(10);

    private readonly Loop loop;
    private readonly DaemonOptions options;
    private readonly ILogger logger;
    private readonly List<JobHost> hosts = [];
    private readonly JobCatalog catalog;
    private readonly FileDescriptor? handed;
    private readonly ServiceReport report;
    private readonly RunningJobs running;
    private readonly RequestStory story;
    private readonly JobSlots slots;
    private readonly PolicyAuthorizer authorizer;
    private readonly OrderBuilder orders;
    private readonly Audit audit;
    private readonly HashSet<Connection> connections = [];
    private readonly Dictionary<UserId, int> connectionsByUid = [];
    private readonly IdleCollection collection;
    private readonly HashSet<string> doubted = [];
    private JobIsolation? isolation;
    private bool accepting = true;
    private Task? stopped;
    private SocketListener? listener;
    private Watch? listening;
    private TaskCompletionSource? connectionEnded;

    /// <param name="loop">The loop.</param>
    /// <param name="options">The configuration.</param>
    /// <param name="handed">A listening socket that the service manager handed over; null to make one.</param>
    /// <param name="report">What the service manager is told.</param>
    /// <param name="counts">Where requests are counted.</param>
    /// <param name="logger">The log.</param>
    /// <param name="auditLogger">The log of requests.</param>
    public Server(Loop loop, DaemonOptions options, FileDescriptor? handed, ServiceReport report, RequestCounts counts, ILogger logger, ILogger auditLogger)
    {
        this.handed = handed;
        this.report = report;
        running = new RunningJobs(counts, loop.Time);
        this.loop = loop;
        this.options = options;
        this.logger = logger;
        Reaper = new ChildReaper(failure => Log.LoopBroke(logger, failure));
        foreach (JobHostOptions host in options.JobHosts)
            hosts.Add(new JobHost(loop, Reaper, host, logger) { JobsChanged = RefreshCatalog });
        catalog = new JobCatalog(hosts, [.. options.Commands.Select(command => new CommandJob(command.Key, command.Value))], options.Jobs);
        var users = new UserDatabase(loop, options.Limits, UserDatabase.AskSystem, UserDatabase.SystemFiles);
        var accounts = new AccountGate(loop, options, Libc.getspnam, new PamCheck(loop, Reaper, options).AskAsync);
        authorizer = new PolicyAuthorizer(PolicyReader.Read(options.Policy, SystemNames.Instance), users,
            new WorkerConsents(loop, options.Limits, timeout => hosts[0].TakeAsync(timeout, forRoot: false), Libc.getgrgid_name));
        collection = IdleCollection.OfProcess(loop, () => connections.Count == 0);
        orders = new OrderBuilder(options.Limits);
        slots = new JobSlots(loop, options.Limits);
        var checking = new Checking(catalog, authorizer, users, accounts, orders);
        audit = new Audit(auditLogger, loop.Time, job => catalog.Find(job)?.Description.AuditedArguments ?? []);
        story = new RequestStory(options, catalog, authorizer, accounts, orders, checking, new Overseeing(hosts, running, slots, loop.Time), slots, running, audit, logger);
    }

    /// <summary>Reaps the daemon's children; to be swept at SIGCHLD.</summary>
    public ChildReaper Reaper { get; }

    /// <summary>Starts the job hosts, and listens once all of them can fork.</summary>
    /// <exception cref="JobHostException">A job host cannot serve.</exception>
    /// <exception cref="IsolationException">Jobs cannot be isolated as the configuration demands.</exception>
    /// <exception cref="ListenException">Something is in the way of the socket.</exception>
    /// <exception cref="ConfigurationException">The audit file cannot be opened.</exception>
    public async Task StartAsync()
    {
        using (Audit.Change auditing = audit.Prepare(options.Audit))
            auditing.Keep();
        isolation = IsolationChoice.Make(loop, options, Reaper, logger);
        await isolation.ClearAsync();
        await Task.WhenAll(hosts.Select(host => host.StartAsync(isolation)));
        catalog.Refresh();
        if (stopped is not null)
            throw new OperationCanceledException("a stop was asked for before the start was done");
        listener = Listen();
        listening = loop.Watch(listener.Socket, EpollEvents.EPOLLIN);
        loop.Guard(TellDoubts);
        Log.Listening(logger, listener.Path, catalog.All.Count());
        report.IsWell = () => hosts.Exists(static host => host.IsWell);
        report.Start();
        loop.Start(AcceptAsync);
    }

    /// <summary>
    /// Goes by another policy, other limits, other commands and other restrictions from now on, all of them or none. What runs keeps what it was granted: a
    /// request goes by one policy, and its job's order and deadline were made when it began.
    /// </summary>
    /// <exception cref="JobHostException">A command has the name of a job, or there is no job to restrict.</exception>
    /// <exception cref="ConfigurationException">The audit file cannot be opened.</exception>
    public void Apply(DaemonOptions fresh, Policy policy)
    {
        using Audit.Change auditing = audit.Prepare(fresh.Audit);
        catalog.Replace([.. fresh.Commands.Select(command => new CommandJob(command.Key, command.Value))], fresh.Jobs);
        auditing.Keep();
        options.Policy = fresh.Policy;
        options.Limits.Take(fresh.Limits);
        orders.Apply(options.Limits);
        slots.ServeWaiting();
        authorizer.Policy = policy;
        doubted.Clear();
        loop.Guard(TellDoubts);
    }

    /// <summary>Opens the audit file anew.</summary>
    public void ReopenAudit() => audit.Reopen();

    /// <summary>Takes nothing new, lets what runs come to its end for a time, and ends the rest. Once, however often it is called.</summary>
    public Task StopAsync() => stopped ??= EndAsync();

    private async Task EndAsync()
    {
        long begun = loop.Time.GetTimestamp();
        accepting = false;
        await TakeWaitingAsync();
        listening?.Dispose();
        listener?.Dispose();
        report.Stop();
        if (listening is not null)
            Log.Draining(logger, connections.Count, options.Limits.DrainTimeout.TotalSeconds);
        await LastRequestsAsync();
        running.Stopping = true;
        slots.RefuseAll();
        foreach (Connection connection in connections.ToArray())
            connection.Interrupt(ReplyCode.ShuttingDown, "the daemon is stopping; nothing was run");

        if (!await AllEndedAsync(options.Limits.DrainTimeout - loop.Time.GetElapsedTime(begun)))
        {
            running.EndAll(EndReason.ShuttingDown);
            hosts.ForEach(static host => host.Refuse("the daemon is stopping"));
            await AllEndedAsync(options.Limits.KillGrace + TimeSpan.FromSeconds(5));
        }

        foreach (Connection connection in connections.ToArray())
            connection.Close();
        await Task.WhenAll(hosts.Select(host => host.StopAsync()));
        if (isolation is not null)
            await isolation.StopAsync();
        report.End();
        if (listening is not null)
            Log.Stopped(logger);
    }

    private SocketListener Listen()
    {
        if (handed is null)
            return SocketListener.Open(options.Socket.Path, OptionsCheck.ParseOctal(options.Socket.Mode));

        SocketListener adopted = SocketListener.Adopt(handed);
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
        while ((slots.Waiting > 0 || connections.Any(connection => connection.IsReceiving)) && loop.Time.GetElapsedTime(begun) < patience)
            await loop.DelayAsync(LastRequestPause);
    }

    private async Task<bool> AllEndedAsync(TimeSpan timeout)
    {
        Task elapsed = loop.DelayAsync(timeout);
        while (connections.Count > 0)
        {
            connectionEnded = new TaskCompletionSource();
            if (await Task.WhenAny(connectionEnded.Task, elapsed) == elapsed)
                return connections.Count == 0;
        }

        return true;
    }

    private async Task AcceptAsync()
    {
        while (accepting)
        {
            if (connections.Count >= options.Limits.MaxConnections)
            {
                // The kernel's queue holds the others back.
                connectionEnded = new TaskCompletionSource();
                await connectionEnded.Task;
                continue;
            }

            FileDescriptor? socket = Libc.accept4(listener!.Socket, out Errno error);
            if (socket is not null)
            {
                Take(socket);

                // Who came before has the answer first.
                await Task.Yield();
            }
            else if (error == Errno.EAGAIN)
            {
                if (!await listening!.ReadableAsync())
                    return;
            }
            else
            {
                // No descriptors or no memory, mostly. Whatever it is: to try again at once would be to do nothing else.
                Log.AcceptFailed(logger, error.ToString());
                await loop.DelayAsync(AcceptPause);
            }
        }
    }

    /// <summary>
    /// Who has connected already is served: the daemon's own socket goes with its queue, the service manager's is there for the next daemon. Nobody
    /// can join the queue any more, or a stop would take as long as somebody does.
    /// </summary>
    private async Task TakeWaitingAsync()
    {
        if (handed is not null || listener is null)
            return;
        Libc.shutdown(listener.Socket, SocketShutdown.SHUT_RD);
        while (connections.Count < options.Limits.MaxConnections)
        {
            FileDescriptor? socket = Libc.accept4(listener.Socket, out Errno error);
            if (socket is null)
            {
                if (error != Errno.EAGAIN)
                    Log.AcceptFailed(logger, error.ToString());
                return;
            }

            Take(socket);
            await Task.Yield();
        }
    }

    private void Take(FileDescriptor socket)
    {
        Connection connection;
        try
        {
            connection = new Connection(loop, socket, Caller.Identify(socket));
        }
        catch (SystemCallException failure)
        {
            // Who cannot be identified is not served.
            Log.AcceptFailed(logger, failure.Message);
            socket.Dispose();
            return;
        }

        UserId uid = connection.Caller.Uid;
        int ofUid = connectionsByUid.GetValueOrDefault(uid);
        connections.Add(connection);
        connectionsByUid[uid] = ofUid + 1;
        _ = ServeAsync(connection, tooMany: ofUid >= options.Limits.MaxConnectionsPerUid);

        // While the job runs, and while the client is still there.
        loop.Post(static state => _ = ((Connection)state!).Origin, connection);
    }

    private async Task ServeAsync(Connection connection, bool tooMany)
    {
        try
        {
            if (tooMany)
                await RefuseAsync(connection);
            else
                await story.TellAsync(connection);
        }
#pragma warning disable CA1031 // The connection's edge: one request's failure must not end the others.
        catch (Exception failure)
#pragma warning restore CA1031
        {
            Log.RequestBroke(logger, failure);
        }
        finally
        {
            connection.Close();
            connections.Remove(connection);
            UserId uid = connection.Caller.Uid;
            if (--connectionsByUid[uid] == 0)
                connectionsByUid.Remove(uid);
            connectionEnded?.TrySetResult();
            collection.RequestEnded();
        }
    }

    private async ValueTask RefuseAsync(Connection connection)
    {
        var record = new EndRecord
        {
            Code = ReplyCode.Busy,
            Message = $"you have {options.Limits.MaxConnectionsPerUid} connections, no more may be (Limits:MaxConnectionsPerUid); ask again later",
        };

        running.Counts.Answered(record.Code);

        // Patience is for where there is room: who opens too many connections must not fill it for the others.
        TimeSpan patience = connections.Count <= options.Limits.MaxConnections / 2 ? BusyPatience : TimeSpan.Zero;
        ReplyForm form = await RequestReader.ReceiveFormAsync(connection, patience);
        try
        {
            await Reply.For(form, connection).EndAsync(record, atLineStart: true);
        }
        finally
        {
            audit.Write(new AuditTrail(connection) { End = record });
        }
    }

    /// <summary>Tells what was not told since the policy was read: a job host that starts again and again brings the same jobs.</summary>
    private void TellDoubts()
    {
        foreach (string doubt in PolicyDoubts.Of(authorizer.Policy, [.. catalog.All.Select(job => job.Description)]).Where(doubted.Add))
            Log.PolicyDoubted(logger, doubt);
    }

    private void RefreshCatalog()
    {
        try
        {
            // At the first start not all job hosts are there yet; StartAsync refreshes then.
            if (listener is null)
                return;
            catalog.Refresh();
            loop.Guard(TellDoubts);
        }
        catch (JobHostException failure)
        {
            Log.CatalogRefused(logger, failure.Message);
        }
    }
}
