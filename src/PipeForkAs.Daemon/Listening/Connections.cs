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
/// The open connections, by bucket. A bucket may have a limited number of connections, and the daemon reads a smaller number of them at
/// once. The others wait unread; each one costs a descriptor and little memory. If the total exceeds its limit, the bucket with the most
/// connections without a request loses its oldest one of these.
/// </summary>
/// <param name="loop">The loop.</param>
/// <param name="descriptors">Refuses descriptors that callers send.</param>
/// <param name="configuration">Defines how many connections there may be.</param>
/// <param name="buckets">Finds the bucket of a uid.</param>
/// <param name="turns">Shares the loop's time.</param>
/// <param name="serve">Serves a connection until it ends.</param>
/// <param name="refusals">Refuses a connection that exceeds a limit.</param>
/// <param name="connectionEnded">Called when a connection has ended.</param>
/// <param name="logger">Logs callers that cannot be identified, and failures of requests.</param>
internal sealed class Connections(
    Loop loop, DescriptorCheck descriptors, CurrentConfiguration configuration, CallerBuckets buckets, FairTurns turns,
    Func<Connection, Task> serve, IConnectionRefusals refusals, Action connectionEnded, ILogger logger)
    : IEnumerable<Connection>
{
    /// <summary>The maximum number of evicted connections that are still open. Each one uses a descriptor until it has its reply.</summary>
    private const int MaxShedding = 64;

    /// <summary>
    /// The number of connections of a bucket from which on the daemon spends as little as possible on each one. With this number of unsent
    /// requests, it drops connections whose callers are gone. With this number above the bucket's limit, it refuses connections at once.
    /// </summary>
    private const int Many = 16;

    private readonly ReceptionQueue receptions = new(loop, configuration);
    private readonly Dictionary<Connection, Reception> open = [];
    private readonly BucketTable byBucket = new();
    private UnidentifiedConnections? unidentified;
    private int shedding;
    private TaskCompletionSource? changed;

    /// <summary>The number of connections.</summary>
    public int Count => open.Count + Unidentified.Count;

    private UnidentifiedConnections Unidentified =>
        unidentified ??= new UnidentifiedConnections(loop, descriptors, buckets, byBucket, Add, Changed, logger);

    /// <summary>Whether there are so many connections that a refused one must not stay open until its request arrives.</summary>
    private bool IsCrowded => Count > configuration.Limits.MaxConnections / 2;

    /// <summary>Whether any connection still has to send its request.</summary>
    public bool IsAnyReceiving => Unidentified.Count > 0 || open.Keys.Any(static connection => connection.IsReceiving);

    /// <summary>Applies changed limits, because the daemon may now read more connections.</summary>
    public void Reevaluate()
    {
        foreach (BucketConnections its in byBucket.All)
            receptions.AdmitNext(its);
        Changed();
    }

    /// <summary>Identifies a caller, and serves or refuses its connection. Closes the socket if that fails.</summary>
    /// <param name="accepted">The accepted socket, which this object owns from now on.</param>
    public void Take(FileDescriptor accepted) => Unidentified.Take(accepted);

    /// <summary>
    /// Evicts the oldest connection without a request from the bucket with the most such connections. Returns false if none can be evicted.
    /// </summary>
    /// <param name="newcomer">The bucket that needs room for one more connection; null if all buckets need room.</param>
    public bool MakeRoom(BucketConnections? newcomer = null)
    {
        Reception? oldest = byBucket.MostUnsent(newcomer)?.Unsent.FirstOrDefault(static each => each.Connection.IsReceiving);
        if (oldest is null || shedding >= MaxShedding)
            return false;
        Evict(oldest);
        return true;
    }

    /// <summary>Ends all connections of a bucket as if their callers had disconnected.</summary>
    public void Abandon(Bucket bucket)
    {
        foreach (Connection connection in open.Keys.Where(connection => connection.Caller.Bucket == bucket).ToList())
            connection.Abandon();
    }

    /// <summary>Waits until there are no connections. Returns false if some are left when the timeout expires.</summary>
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

    /// <summary>Enumerates a copy of the current connections, because an action on one may end it.</summary>
    public IEnumerator<Connection> GetEnumerator() => open.Keys.ToList().GetEnumerator();

    IEnumerator IEnumerable.GetEnumerator() => GetEnumerator();

    private void Add(UntrustedSocket socket, Caller caller, Bucket bucket)
    {
        if (bucket != caller.Bucket)
            caller = caller with { Bucket = bucket };
        socket.Peer = bucket;
        if (descriptors.Offenders.IsBanned(bucket))
        {
            socket.Dispose();
            refusals.Drop(caller, "connections or jobs of the caller delayed the daemon; it does not serve this caller for a while");
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
#pragma warning disable CA2000 // The receiver owns it and closes it.
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

        // Posted to the loop, so that this happens while the job runs and the caller is still connected.
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
#pragma warning disable CA1031 // The edge of the connection: a failure of one request must not end the others.
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
