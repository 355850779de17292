using PipeForkAs.Daemon.Fairness;

namespace PipeForkAs.Daemon.Listening;

/// <summary>The connections of one bucket.</summary>
internal sealed class BucketConnections(Bucket bucket)
{
    public Bucket Bucket => bucket;

    /// <summary>How many there are.</summary>
    public int Count { get; set; }

    /// <summary>Those that have not sent their request yet, oldest first, whether they are read or wait for that.</summary>
    public LinkedList<Reception> Unsent { get; } = new();

    /// <summary>Those that wait to be read, oldest first.</summary>
    public LinkedList<Reception> Waiting { get; } = new();

    /// <summary>How many have a place for reading.</summary>
    public int Receiving { get; set; }
}
