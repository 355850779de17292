using PipeForkAs.LibC;

namespace PipeForkAs.Daemon.Forking;

/// <summary>The two ends of a stream for a job's stderr alone; where stdout and stderr share a stream, their order is kept.</summary>
internal sealed class StderrPair : IDisposable
{
    private StderrPair((FileDescriptor Own, FileDescriptor Workers) ends) => (Own, Workers) = ends;

    /// <summary>Where the daemon reads.</summary>
    public FileDescriptor Own { get; }

    /// <summary>Where the worker writes. Closed when the order is sent, without which the stream would never end.</summary>
    public FileDescriptor Workers { get; }

    /// <summary>Makes it.</summary>
    /// <exception cref="SystemCallException">There are no descriptors left; none is kept.</exception>
    public static StderrPair Create()
    {
        var pair = new StderrPair(Libc.socketpair_stream());
        try
        {
            Libc.shutdown(pair.Own, SocketShutdown.SHUT_WR);
            Libc.set_nonblocking(pair.Own);
            return pair;
        }
        catch
        {
            pair.Dispose();
            throw;
        }
    }

    public void Dispose()
    {
        Own.Dispose();
        Workers.Dispose();
    }
}
