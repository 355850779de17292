using PipeForkAs.Daemon.Fairness;
using PipeForkAs.LibC;

namespace PipeForkAs.Daemon.Untrusted;

/// <summary>Sockets of one bucket on their way to a process that closes or keeps them.</summary>
/// <param name="waiting">The sockets that wait for that.</param>
internal sealed class SocketBatch(FairQueue<FileDescriptor> waiting)
{
    private readonly List<FileDescriptor> sockets = new(Libc.MaxMessageDescriptors);

    public int Count => sockets.Count;

    /// <summary>Collects what waits of one bucket. Returns the bucket.</summary>
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

    /// <summary>Sends the sockets to a process, and closes them here. Where that fails, they wait again.</summary>
    public bool Send(ReleasingHelper helper, Bucket bucket)
    {
        if (!helper.Send(sockets))
        {
            PutBack(bucket);
            return false;
        }

        // The process has them now, and closes nothing before it is told that these here are closed.
        foreach (FileDescriptor socket in sockets)
            socket.Dispose();
        sockets.Clear();
        return true;
    }

    /// <summary>They wait again.</summary>
    public void PutBack(Bucket bucket)
    {
        foreach (FileDescriptor socket in sockets)
            waiting.Add(bucket, socket);
        sockets.Clear();
    }
}
