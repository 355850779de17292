using PipeForkAs.Daemon.Untrusted;
using PipeForkAs.LibC;

namespace PipeForkAs.Daemon.Forking;

/// <summary>
/// The two ends of a separate stream for a job's stderr. If stdout and stderr share one stream, the order of their output is kept.
/// </summary>
internal sealed class StderrPair : IDisposable
{
    private StderrPair(UntrustedSocket own, FileDescriptor workers) => (Own, Workers) = (own, workers);

    /// <summary>The end from which the daemon reads.</summary>
    public UntrustedSocket Own { get; }

    /// <summary>
    /// The end to which the worker writes. The daemon closes its copy when it has sent the order; otherwise the stream would never end.
    /// </summary>
    public FileDescriptor Workers { get; }

    /// <summary>Creates the pair.</summary>
    /// <param name="descriptors">Refuses descriptors that the job sends.</param>
    /// <exception cref="SystemCallException">The process ran out of descriptors. Neither end stays open.</exception>
    public static StderrPair Create(DescriptorCheck descriptors)
    {
        (FileDescriptor own, FileDescriptor workers) = Libc.socketpair_stream();
        try
        {
            Libc.shutdown(own, SocketShutdown.SHUT_WR);
            Libc.set_nonblocking(own);
#pragma warning disable CA2000 // The receiver owns it and closes it.
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
