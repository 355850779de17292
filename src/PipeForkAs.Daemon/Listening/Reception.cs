using PipeForkAs.Daemon.Fairness;

namespace PipeForkAs.Daemon.Listening;

/// <summary>The reception of a request: the connection is being read, or waits to be read.</summary>
/// <param name="owner">Decides which connections are read.</param>
/// <param name="connection">The connection.</param>
/// <param name="its">The connections of its bucket.</param>
/// <param name="turns">Shares the loop's time.</param>
internal sealed class Reception(ReceptionQueue owner, Connection connection, BucketConnections its, FairTurns turns)
{
    public Connection Connection => connection;

    public BucketConnections Its => its;

    /// <summary>
    /// The node among the connections of the bucket that have not sent their request; null if this connection is not among them.
    /// </summary>
    public LinkedListNode<Reception>? Unsent { get; set; }

    /// <summary>The node among the connections that wait to be read; null if this connection does not wait.</summary>
    public LinkedListNode<Reception>? Waiting { get; set; }

    /// <summary>Completes when the daemon may read the connection.</summary>
    public TaskCompletionSource? Admitted { get; set; }

    /// <summary>Whether the connection has one of its bucket's places for reading.</summary>
    public bool HasPlace { get; set; }

    /// <summary>Whether the daemon evicts this connection to make room for another.</summary>
    public bool IsShed { get; set; }

    /// <summary>Determines the calling program. Waits for its turn, because this takes several system calls.</summary>
    public async Task LookAtOriginAsync()
    {
        await turns.EnterAsync(its.Bucket);
        _ = connection.Origin;
    }

    /// <summary>Frees the place for reading after the request was read or refused. A second call has no effect.</summary>
    public void End() => owner.End(this);
}
