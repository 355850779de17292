using PipeForkAs.Daemon.Fairness;
using PipeForkAs.Daemon.Untrusted;
using PipeForkAs.LibC;

namespace PipeForkAs.Daemon.Forking;

/// <summary>
/// The daemon's ends of a job's standard streams: a pair of connected sockets each. The job host makes those of stdin and stdout before it
/// forks the worker, which so has its ends from the beginning; where stderr is told apart, its pair is made with the order.
/// <para>
/// No pipes: a pipe has one lock for both ends, which its reader and its writer hold while they copy from and to their own memory
/// (pipe_read and pipe_write in the kernel's pipe.c). A job whose memory is a page of a file system that never answers would hold it
/// for ever, and the daemon with it, in a sleep that no signal ends. The ends of a socket have nothing like that in common. A program has
/// pipes, of which its worker has the other ends.
/// </para>
/// </summary>
/// <param name="stdin">Where the daemon writes the job's stdin.</param>
/// <param name="stdout">Where the daemon reads the job's stdout.</param>
internal sealed class JobStreams(UntrustedSocket stdin, UntrustedSocket stdout) : IDisposable
{
    /// <summary>Where the daemon writes the job's stdin.</summary>
    public UntrustedSocket Stdin => stdin;

    /// <summary>Where the daemon reads the job's stdout, and its stderr where they share one stream.</summary>
    public UntrustedSocket Stdout => stdout;

    /// <summary>Takes over the daemon's ends. They are the streams' when this returns, and not before.</summary>
    /// <exception cref="SystemCallException">An option of a socket cannot be set.</exception>
    public static JobStreams Create(DescriptorCheck descriptors, FileDescriptor stdin, FileDescriptor stdout)
    {
        Libc.set_nonblocking(stdin);
        Libc.set_nonblocking(stdout);
#pragma warning disable CA2000 // The receiver owns it, and closes it.
        return new JobStreams(descriptors.Own(stdin, InputKind.None), descriptors.Own(stdout, InputKind.Stream));
#pragma warning restore CA2000
    }

    /// <summary>Says whose the job is.</summary>
    public void AssignTo(Bucket user) => stdin.Peer = stdout.Peer = user;

    public void Dispose()
    {
        stdin.Dispose();
        stdout.Dispose();
    }
}
