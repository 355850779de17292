using Microsoft.Extensions.Logging;
using PipeForkAs.Daemon.Auditing;
using PipeForkAs.Daemon.Authorization;
using PipeForkAs.Daemon.Configuration;
using PipeForkAs.Daemon.EventLoop;
using PipeForkAs.Daemon.Fairness;
using PipeForkAs.Daemon.Forking;
using PipeForkAs.Daemon.Isolation;
using PipeForkAs.Daemon.Listening;
using PipeForkAs.Daemon.Logging;
using PipeForkAs.Daemon.Requests;
using PipeForkAs.Daemon.Upgrading;
using PipeForkAs.LibC;
using PipeForkAs.Protocol;
using PipeForkAs.Protocol.Client;

namespace PipeForkAs.Daemon.Hosting;

/// <summary>The start and the stop of the daemon.</summary>
internal sealed class Lifecycle(DaemonParts parts)
{
    /// <summary>The longest time that a stop waits for requests of callers that are already connected.</summary>
    private static readonly TimeSpan LastRequestPatience = TimeSpan.FromMilliseconds(500);

    private static readonly TimeSpan LastRequestPause = TimeSpan.FromMilliseconds(10);

    /// <summary>The longest time that a stop waits for the audit file.</summary>
    private static readonly TimeSpan LastRecordPatience = TimeSpan.FromSeconds(5);

    private readonly Loop loop = parts.Context.Loop;
    private readonly ILogger logger = parts.Context.Logger;
    private readonly Upgrade upgrade = parts.Context.Upgrade;
    private Task? stopped;
    private bool isServiceStopping;

    /// <summary>Accepts connections; null until the start is almost complete.</summary>
    public Acceptor? Acceptor { get; private set; }

    /// <summary>Isolates the jobs; null before the start.</summary>
    public JobIsolation? Isolation { get; private set; }

    /// <summary>Whether the daemon is stopping or has stopped.</summary>
    public bool IsStopping => stopped is not null;

    private LimitOptions Limits => parts.Configuration.Limits;

    /// <summary>Whether a stop does not wait for idle callers. True if no other daemon serves, or if the whole service stops.</summary>
    private bool CancelsSilentJobs => !upgrade.IsHandedOver || isServiceStopping;

    /// <summary>Starts the job hosts, and listens when all of them can fork.</summary>
    /// <exception cref="JobHostException">A job host cannot serve.</exception>
    /// <exception cref="IsolationException">The daemon cannot isolate jobs as the configuration requires.</exception>
    /// <exception cref="ListenException">The daemon cannot listen on the socket.</exception>
    /// <exception cref="ConfigurationException">
    /// The audit file cannot be opened, or names or jobs do not match the configuration.
    /// </exception>
    /// <exception cref="UpgradeException">The former daemon does not let this daemon take over.</exception>
    public async Task StartAsync()
    {
        DaemonOptions options = parts.Configuration.Value;
        parts.Policies.Apply(await ResolvedPolicy.ReadAsync(options, parts.Context.Reader.LookUps), options.Sources);
        using (Audit.Change auditing = await parts.Audit.PrepareAsync(options.Audit))
            auditing.Commit();
        Isolation = IsolationChoice.Make(loop, options, parts.Reaper, upgrade.Predecessor?.Offer.Cgroup, upgrade.Generation, logger);
        await Isolation.ClearAsync(WatchLeft);
        await parts.Hosts.StartAsync(Isolation);
        parts.Catalog.Refresh();
        if (IsStopping)
            throw new OperationCanceledException("the daemon was stopped before the start was complete");
        SocketListener listener = Listen(options.Socket);
        Acceptor = new Acceptor(loop, listener, parts.Connections, logger);
        parts.Policies.Serve();
        await parts.Policies.LogWarningsAsync();
        if (SandboxSupport.LeavesSignals(parts.Catalog.All.SelectMany(job => job.Description.Sandboxes ?? []), Libc.landlock_abi))
            Log.SandboxesLeaveSignals(logger, Libc.landlock_abi(), Sandbox.SignalsVersion);
        Log.Listening(logger, listener.Path, parts.Catalog.All.Count());
        if (upgrade.Predecessor is { } former)
            await TakeOverAsync(former);
        parts.Report.Start();
        Acceptor.Start();
        parts.Reload.Open();
    }

    /// <summary>
    /// Stops accepting connections, waits for the running requests, and ends the rest. Stops only once, even if it is called several times.
    /// </summary>
    public Task StopAsync() => stopped ??= EndAsync();

    /// <summary>Refuses callers that have not sent a request yet, because the whole service stops while another daemon serves.</summary>
    public void StopWithService()
    {
        if (isServiceStopping)
            return;
        isServiceStopping = true;
        upgrade.Predecessor?.SendStop();
        loop.Start(RefuseNewAsync);
    }

    private async Task EndAsync()
    {
        long begun = loop.Time.GetTimestamp();
        parts.Reload.Close();
        if (Acceptor is not null)
            await Acceptor.StopAsync();
        parts.Report.Stop();
        parts.Policies.End();
        if (parts.Connections.Count > 0 && !upgrade.IsHandedOver)
            Log.Draining(logger, Limits.DrainTimeout.TotalSeconds, Drain.Requests(parts.Connections.Count, parts.Running));

        // If another daemon serves, callers that are connected to this daemon get the whole stop time, unless the service stops.
        if (CancelsSilentJobs)
        {
            upgrade.Predecessor?.SendStop();
            await RefuseNewAsync();
        }

        await DrainAsync(begun);
        await parts.Pam.StopAsync();
        foreach (Connection connection in parts.Connections)
            connection.Close();
        await parts.Hosts.StopAsync();
        if (upgrade.Predecessor is { } former)
            await former.StopAsync();
        if (Isolation is not null)
            await Isolation.StopAsync();
        await parts.Descriptors.StopAsync();
        await Task.WhenAny(parts.Audit.EndAsync(), loop.DelayAsync(LastRecordPatience));
        parts.Audit.LogUnwritten();
        parts.Report.End();
        if (Acceptor is null)
            return;
        TurnTimes turnTimes = loop.TurnTimes;
        Log.LongestTurn(
            logger, turnTimes.Longest * 1000, turnTimes.LongestOnProcessor * 1000, turnTimes.LongestStep ?? "no step of 1 ms or more");
        Log.Stopped(logger);
    }

    /// <summary>Waits for the remaining requests until the stop time is over, and ends the rest.</summary>
    private async Task DrainAsync(long begun)
    {
        var drain = new Drain(loop, parts.Connections, parts.Running, () => CancelsSilentJobs, logger);
        if (await drain.WaitAsync(Limits.DrainTimeout - loop.Time.GetElapsedTime(begun)))
            return;
        await RefuseNewAsync();
        parts.Running.EndAll(EndReason.ShuttingDown);
        parts.Hosts.Refuse("the daemon is stopping");
        await parts.Pam.StopAsync();
        await parts.Connections.AllEndedAsync(Limits.KillGrace + TimeSpan.FromSeconds(5));
    }

    private SocketListener Listen(SocketOptions options)
    {
        uint mode = PermissionBits.Parse(options.Mode);
        if (parts.Context.Manager.Socket is not { } handed)
            return SocketListener.Open(options.Path, mode, parts.Descriptors);

        SocketListener adopted = SocketListener.Adopt(
            handed, parts.Descriptors, upgrade.Predecessor?.Offer.SocketDevice, upgrade.Predecessor?.Offer.SocketInode);
        if (SocketListener.FolderProblem(adopted.Path) is { } problem)
            Log.OpenFolder(logger, adopted.Path, problem);
        if (adopted.Path != options.Path)
            Log.OtherPath(logger, adopted.Path, options.Path);
        else if (Libc.lstat(adopted.Path) is { } file && file.Permissions != mode)
            Log.OtherMode(logger, adopted.Path, Convert.ToString(file.Permissions, 8), options.Mode);
        return adopted;
    }

    private async Task TakeOverAsync(Predecessor former)
    {
        parts.Running.NextId = await former.TakeOverAsync(loop, parts.Turns);
        Log.TookOver(logger, former.Pid.Value, parts.Running.NextId);
        loop.Start(async () =>
        {
            await former.Ended;
            Log.PredecessorEnded(logger);
            Isolation?.FormerDaemonEnded(WatchLeft);
        });
    }

    /// <summary>Counts processes that a former daemon left and that cannot be killed as running jobs of their user.</summary>
    private void WatchLeft(UserId user, Task gone) =>
        loop.Start(() => parts.Unkillable.WatchAsync(Bucket.OfAccount(user), new Leftovers(gone, Task.CompletedTask), static () => { }));

    private async Task RefuseNewAsync()
    {
        if (parts.Running.Stopping)
            return;
        await LastRequestsAsync();
        parts.Running.Stopping = true;
        parts.Slots.RefuseAll();
        foreach (Connection connection in parts.Connections)
            connection.Interrupt(ReplyCode.ShuttingDown, "the daemon is stopping; nothing was run");
    }

    /// <summary>
    /// Waits a short time for the requests of callers that connected before the stop, so that a restart refuses none of them.
    /// </summary>
    private async Task LastRequestsAsync()
    {
        TimeSpan patience = Limits.DrainTimeout < LastRequestPatience ? Limits.DrainTimeout : LastRequestPatience;
        long begun = loop.Time.GetTimestamp();
        while ((parts.Slots.Queued > 0 || parts.Turns.Waiting > 0 || parts.Connections.IsAnyReceiving)
            && loop.Time.GetElapsedTime(begun) < patience)
            await loop.DelayAsync(LastRequestPause);
    }
}
