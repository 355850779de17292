using PipeForkAs.Daemon.Untrusted;
using PipeForkAs.LibC;

namespace PipeForkAs.Daemon.Forking;

/// <summary>The two ends of a stream for a job's stderr alone; where stdout and stderr share a stream, their order is kept.</summary>
internal sealed class StderrPair : IDisposable
{
    private StderrPair(UntrustedSocket own, FileDescriptor workers) => (Own, Workers) = (own, workers);

    /// <summary>Where the daemon reads.</summary>
    public UntrustedSocket Own { get; }

    /// <summary>Where the worker writes. Closed when the order is sent, without which the stream would never end.</summary>
    public FileDescriptor Workers { get; }

    /// <summary>Makes it.</summary>
    /// <param name="descriptors">Keeps descriptors out that the job sends along.</param>
    /// <exception cref="SystemCallException">There are no descriptors left; none is kept.</exception>
    public static StderrPair Create(DescriptorCheck descriptors)
    {
        (FileDescriptor own, FileDescriptor workers) = Libc.socketpair_stream();
        try
        {
            Libc.shutdown(own, SocketShutdown.SHUT_WR);
            Libc.set_nonblocking(own);
#pragma warning disable CA2000 // The receiver owns it, and closes it.
            return new StderrPair(descriptors.Own(own, InputKind.Stream), workers);
#pragma warning restore CA2000
        }
        catch
        {
            own.Dispose();
            workers.Dispose();
            throw;
        }
    }

    public void Dispose()
    {
        Own.Dispose();
        Workers.Dispose();
    }
}
