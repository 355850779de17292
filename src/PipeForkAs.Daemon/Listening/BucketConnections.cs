using PipeForkAs.Daemon.Fairness;

namespace PipeForkAs.Daemon.Listening;

/// <summary>The connections of one bucket.</summary>
internal sealed class BucketConnections(Bucket bucket)
{
    public Bucket Bucket => bucket;

    /// <summary>The number of connections.</summary>
    public int Count { get; set; }

    /// <summary>
    /// The connections that have not sent their request yet, oldest first. Contains those that are being read and those that wait to be
    /// read.
    /// </summary>
    public LinkedList<Reception> Unsent { get; } = new();

    /// <summary>The connections that wait to be read, oldest first.</summary>
    public LinkedList<Reception> Waiting { get; } = new();

    /// <summary>The number of connections that are being read.</summary>
    public int Receiving { get; set; }
}
