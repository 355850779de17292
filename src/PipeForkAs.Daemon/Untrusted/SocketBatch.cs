using PipeForkAs.Daemon.Fairness;
using PipeForkAs.LibC;

namespace PipeForkAs.Daemon.Untrusted;

/// <summary>Sockets of one bucket on their way to a process that closes or keeps them.</summary>
/// <param name="waiting">The sockets that wait for such a process.</param>
internal sealed class SocketBatch(FairQueue<FileDescriptor> waiting)
{
    private readonly List<FileDescriptor> sockets = new(Libc.MaxMessageDescriptors);

    public int Count => sockets.Count;

    /// <summary>Collects the waiting sockets of one bucket. Returns the bucket.</summary>
    public Bucket Collect(FairQueue<FileDescriptor>.Place first)
    {
        sockets.Add(first.Item);
        while (sockets.Count < Libc.MaxMessageDescriptors
            && waiting.TryTake(bucket => bucket == first.Bucket, out FairQueue<FileDescriptor>.Place? more))
        {
            sockets.Add(more.Item);
        }

        return first.Bucket;
    }

    /// <summary>Sends the sockets to a process, and closes them here. If that fails, they wait again.</summary>
    public bool Send(ReleasingHelper helper, Bucket bucket)
    {
        if (!helper.Send(sockets))
        {
            PutBack(bucket);
            return false;
        }

        // The process has the sockets now, and closes none before the daemon reports that the copies here are closed.
        foreach (FileDescriptor socket in sockets)
            socket.Dispose();
        sockets.Clear();
        return true;
    }

    /// <summary>Returns the sockets to the queue.</summary>
    public void PutBack(Bucket bucket)
    {
        foreach (FileDescriptor socket in sockets)
            waiting.Add(bucket, socket);
        sockets.Clear();
    }
}
