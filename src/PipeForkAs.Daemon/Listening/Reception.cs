using PipeForkAs.Daemon.Fairness;

namespace PipeForkAs.Daemon.Listening;

/// <summary>A connection on its way to its request: whether it is being read, or waits for that.</summary>
/// <param name="owner">Lets connections be read.</param>
/// <param name="connection">The connection.</param>
/// <param name="its">The connections of its bucket.</param>
/// <param name="turns">Shares the loop's time.</param>
internal sealed class Reception(ReceptionQueue owner, Connection connection, BucketConnections its, FairTurns turns)
{
    public Connection Connection => connection;

    public BucketConnections Its => its;

    /// <summary>Where it is among those of its bucket that have not sent their request; null where it is not one of them.</summary>
    public LinkedListNode<Reception>? Unsent { get; set; }

    /// <summary>Where it waits to be read; null where it does not wait.</summary>
    public LinkedListNode<Reception>? Waiting { get; set; }

    /// <summary>Completes when it may be read.</summary>
    public TaskCompletionSource? Admitted { get; set; }

    /// <summary>Whether it has one of its bucket's places for reading.</summary>
    public bool HasPlace { get; set; }

    /// <summary>Whether it was chosen to make room for another.</summary>
    public bool IsShed { get; set; }

    /// <summary>Looks which program asks; in turn, since each look takes as long as several system calls.</summary>
    public async Task LookAtOriginAsync()
    {
        await turns.EnterAsync(its.Bucket);
        _ = connection.Origin;
    }

    /// <summary>The request was read, or will not be: the place is free. Has no effect the second time.</summary>
    public void End() => owner.End(this);
}
