using System.Collections;
using Microsoft.Extensions.Logging;
using PipeForkAs.Daemon.Callers;
using PipeForkAs.Daemon.Configuration;
using PipeForkAs.Daemon.EventLoop;
using PipeForkAs.Daemon.Fairness;
using PipeForkAs.Daemon.Logging;
using PipeForkAs.Daemon.Untrusted;
using PipeForkAs.Daemon.Users;
using PipeForkAs.LibC;
using PipeForkAs.Protocol.Client;

namespace PipeForkAs.Daemon.Listening;

/// <summary>
/// The clients that are connected, by their buckets. A bucket has a number of connections, and a smaller number that are read at once: more
/// wait unread, which costs a descriptor each and little memory. Where there are too many in all, the bucket with the most that have not
/// sent their request makes room.
/// </summary>
/// <param name="loop">The loop.</param>
/// <param name="descriptors">Keeps descriptors out that clients send along.</param>
/// <param name="configuration">Say how many connections there may be.</param>
/// <param name="buckets">Tells the bucket of a uid.</param>
/// <param name="turns">Shares the loop's time.</param>
/// <param name="serve">Serves a connection to its end.</param>
/// <param name="refusals">Refuses a connection for which there is no room.</param>
/// <param name="connectionEnded">Called when one has ended.</param>
/// <param name="logger">Is told of who cannot be identified, and of what a request failed with.</param>
internal sealed class Connections(
    Loop loop, DescriptorCheck descriptors, CurrentConfiguration configuration, CallerBuckets buckets, FairTurns turns,
    Func<Connection, Task> serve, IConnectionRefusals refusals, Action connectionEnded, ILogger logger)
    : IEnumerable<Connection>
{
    /// <summary>Connections that may be on their way out at once to make room. Each has a descriptor until its client was told.</summary>
    private const int MaxShedding = 64;

    /// <summary>
    /// Connections of the same block of unknown uids that wait for the user database's answer; more share the bucket of the uids without an
    /// account.
    /// </summary>
    private const int MaxUnknown = 16;

    /// <summary>
    /// From this number on, connections of a bucket cost as little as they can: where they wait for their requests, those whose clients
    /// have left, and where they are too many, those that are refused.
    /// </summary>
    private const int Many = 16;

    private readonly ReceptionQueue receptions = new(loop, configuration);
    private readonly Dictionary<Connection, Reception> open = [];
    private readonly BucketTable byBucket = new();
    private int unknown;
    private int shedding;
    private TaskCompletionSource? changed;

    /// <summary>How many there are.</summary>
    public int Count => open.Count + unknown;

    /// <summary>Whether a refused connection must not keep its place until its request has arrived.</summary>
    private bool IsCrowded => Count > configuration.Limits.MaxConnections / 2;

    /// <summary>Whether a request is still awaited of one of them.</summary>
    public bool IsAnyReceiving => unknown > 0 || open.Keys.Any(static connection => connection.IsReceiving);

    /// <summary>The limits are others: more connections may be read than before.</summary>
    public void Reevaluate()
    {
        foreach (BucketConnections its in byBucket.All)
            receptions.AdmitNext(its);
        Changed();
    }

    /// <summary>Identifies a client, and serves or refuses it; or closes the socket.</summary>
    /// <param name="accepted">The accepted socket, from here on not the caller's.</param>
    public void Take(FileDescriptor accepted)
    {
        UntrustedSocket socket;
        try
        {
#pragma warning disable CA2000 // The receiver owns it, and closes it.
            socket = descriptors.Accepted(accepted);
#pragma warning restore CA2000
        }
        catch (SystemCallException failure)
        {
            // A socket that cannot be looked at is not served.
            Log.AcceptFailed(logger, failure.Message);
            accepted.Dispose();
            return;
        }

        Take(socket);
    }

    private void Take(UntrustedSocket socket)
    {
        Caller caller;
        try
        {
            caller = Caller.Identify(socket.Descriptor);
        }
        catch (SystemCallException failure)
        {
            // Who cannot be identified is not served.
            Log.AcceptFailed(logger, failure.Message);
            socket.Dispose();
            return;
        }

        if (buckets.TryFind(caller.Uid, out Bucket bucket))
        {
            Add(socket, caller, bucket);
            return;
        }

        BucketConnections its = byBucket.Of(Bucket.OfUnknown(caller.Uid));
        if (its.Count >= MaxUnknown)
            Add(socket, caller, Bucket.WithoutAccount);
        else
            loop.Start(() => IdentifyAsync(socket, caller, its));
    }

    /// <summary>
    /// Ends the oldest connection without a request, of the bucket with the most of those. False where none could be ended.
    /// </summary>
    /// <param name="newcomer">The bucket that needs the room for one more; null where all need it.</param>
    public bool MakeRoom(BucketConnections? newcomer = null)
    {
        Reception? oldest = byBucket.MostUnsent(newcomer)?.Unsent.FirstOrDefault(static each => each.Connection.IsReceiving);
        if (oldest is null || shedding >= MaxShedding)
            return false;
        Evict(oldest);
        return true;
    }

    /// <summary>Ends those of a bucket as if their clients had gone away.</summary>
    public void Abandon(Bucket bucket)
    {
        foreach (Connection connection in open.Keys.Where(connection => connection.Caller.Bucket == bucket).ToList())
            connection.Abandon();
    }

    /// <summary>Waits until there are none. False where some are left after that time.</summary>
    public async Task<bool> AllEndedAsync(TimeSpan timeout)
    {
        Task elapsed = loop.DelayAsync(timeout);
        while (Count > 0)
        {
            changed ??= new TaskCompletionSource();
            if (await Task.WhenAny(changed.Task, elapsed) == elapsed)
                return Count == 0;
        }

        return true;
    }

    /// <summary>Those that there are now: what is done to one may end it.</summary>
    public IEnumerator<Connection> GetEnumerator() => open.Keys.ToList().GetEnumerator();

    IEnumerator IEnumerable.GetEnumerator() => GetEnumerator();

    private async Task IdentifyAsync(UntrustedSocket socket, Caller caller, BucketConnections its)
    {
        unknown++;
        its.Count++;
        Bucket bucket = Bucket.WithoutAccount;
        try
        {
            bucket = await buckets.FindAsync(caller.Uid);
        }
        finally
        {
            unknown--;
            byBucket.Leave(its);
            Add(socket, caller, bucket);
            Changed();
        }
    }

    private void Add(UntrustedSocket socket, Caller caller, Bucket bucket)
    {
        if (bucket != caller.Bucket)
            caller = caller with { Bucket = bucket };
        socket.Peer = bucket;
        if (descriptors.Offenders.IsBanned(bucket))
        {
            socket.Dispose();
            refusals.Drop(caller, "connections or jobs of the caller held up the daemon, which does not serve it for a while");
            return;
        }

        BucketConnections its = byBucket.Of(bucket);
        if (its.Unsent.Count >= Many && Libc.is_hung_up(socket.Descriptor))
        {
            socket.Dispose();
            refusals.Drop(caller, "the client left before its request was read, while many others of its uid waited");
            byBucket.DropIdle(its);
            return;
        }

        string? problem = Problem(its);
        if (problem is not null && (IsCrowded || its.Count >= configuration.Limits.MaxConnectionsPerUid + Many))
        {
            refusals.RefuseAtOnce(socket, caller, problem);
            byBucket.DropIdle(its);
            return;
        }

        Connection connection;
        try
        {
#pragma warning disable CA2000 // The receiver owns it, and closes it.
            connection = new Connection(loop, socket, caller, turns);
#pragma warning restore CA2000
        }
        catch (SystemCallException failure)
        {
            Log.AcceptFailed(logger, failure.Message);
            socket.Dispose();
            return;
        }

        var reception = new Reception(receptions, connection, its, turns);
        connection.Reception = reception;
        open.Add(connection, reception);
        its.Count++;
        if (problem is not null)
        {
            _ = ServeAsync(reception, problem);
            return;
        }

        receptions.Begin(reception);
        _ = ServeAsync(reception, null);

        // While the job runs, and while the client is still there.
        loop.Post(static state => _ = ((Reception)state!).LookAtOriginAsync(), reception);
    }

    private string? Problem(BucketConnections its)
    {
        if (its.Count >= configuration.Limits.MaxConnectionsPerUid)
        {
            string whose = its.Bucket == Bucket.WithoutAccount ? "callers without an account have" : "you have";
            return $"{whose} {its.Count} connections, the maximum (Limits:MaxConnectionsPerUid); ask again later";
        }

        int most = configuration.Limits.MaxConnections + (its.Bucket.IsRoot ? configuration.Limits.RootReserve : 0);
        return Count - shedding < most || MakeRoom(its) ? null : $"{TooMany()}; ask again later";
    }

    private void Evict(Reception reception)
    {
        shedding++;
        reception.IsShed = true;
        receptions.Refuse(reception, $"{TooMany()}, and this one waited longest for its request; ask again later");
    }

    private string TooMany() => $"there are {Count} connections, the maximum (Limits:MaxConnections)";

    private async Task ServeAsync(Reception reception, string? problem)
    {
        Connection connection = reception.Connection;
        try
        {
            if (problem is not null)
            {
                await refusals.RefuseAsync(connection, problem);
                return;
            }

            await receptions.EnterAsync(reception);
            await turns.EnterAsync(reception.Its.Bucket);
            await serve(connection);
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
            Remove(reception);
        }
    }

    private void Remove(Reception reception)
    {
        receptions.End(reception);
        open.Remove(reception.Connection);
        if (reception.IsShed)
            shedding--;
        byBucket.Leave(reception.Its);
        Changed();
        connectionEnded();
    }

    private void Changed()
    {
        TaskCompletionSource? awaited = changed;
        changed = null;
        awaited?.TrySetResult();
    }
}
