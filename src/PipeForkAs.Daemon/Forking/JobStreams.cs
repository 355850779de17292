using PipeForkAs.Daemon.Fairness;
using PipeForkAs.Daemon.Untrusted;
using PipeForkAs.LibC;

namespace PipeForkAs.Daemon.Forking;

/// <summary>
/// The daemon's ends of a job's standard streams, each one a pair of connected sockets. The job host makes the pairs of stdin and stdout
/// before it forks the worker, so the worker has its ends from the beginning. If stderr is separate, its pair is made with the order.
/// <para>
/// The streams are not pipes. A pipe has one lock for both ends, and its reader and its writer hold the lock while they copy from and to
/// their own memory (pipe_read and pipe_write in the kernel's pipe.c). A job with memory from a file system that never answers would hold
/// the lock forever. It would also block the daemon, in a sleep that no signal ends. The ends of a socket share no such lock. A program has
/// pipes, and its worker has the other ends of those pipes.
/// </para>
/// </summary>
/// <param name="stdin">The end to which the daemon writes the job's stdin.</param>
/// <param name="stdout">The end from which the daemon reads the job's stdout.</param>
internal sealed class JobStreams(UntrustedSocket stdin, UntrustedSocket stdout) : IDisposable
{
    /// <summary>The end to which the daemon writes the job's stdin.</summary>
    public UntrustedSocket Stdin => stdin;

    /// <summary>The end from which the daemon reads the job's stdout, and its stderr if both share one stream.</summary>
    public UntrustedSocket Stdout => stdout;

    /// <summary>Takes over the daemon's ends. The streams own them only if this returns.</summary>
    /// <exception cref="SystemCallException">A socket option cannot be set.</exception>
    public static JobStreams Create(DescriptorCheck descriptors, FileDescriptor stdin, FileDescriptor stdout)
    {
        Libc.set_nonblocking(stdin);
        Libc.set_nonblocking(stdout);
#pragma warning disable CA2000 // The receiver owns it and closes it.
        return new JobStreams(descriptors.Own(stdin, InputKind.None), descriptors.Own(stdout, InputKind.Stream));
#pragma warning restore CA2000
    }

    /// <summary>Sets the user of the job.</summary>
    public void AssignTo(Bucket user) => stdin.Peer = stdout.Peer = user;

    public void Dispose()
    {
        stdin.Dispose();
        stdout.Dispose();
    }
}
