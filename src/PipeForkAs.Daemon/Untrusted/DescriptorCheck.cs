using Microsoft.Extensions.Logging;
using PipeForkAs.Daemon.EventLoop;
using PipeForkAs.Daemon.Fairness;
using PipeForkAs.Daemon.Processes;
using PipeForkAs.LibC;

namespace PipeForkAs.Daemon.Untrusted;

/// <summary>
/// Keeps out descriptors that clients and jobs send (SCM_RIGHTS), without ever closing one on the loop's thread. If the kernel can refuse
/// such descriptors (SO_PASSRIGHTS, Linux 6.16), it does. Otherwise the daemon looks for them before it receives anything, and leaves what
/// it must not receive to a <see cref="SocketReleaser"/>.
/// </summary>
/// <param name="loop">The loop.</param>
/// <param name="reaper">Reaps the processes that close sockets.</param>
/// <param name="byDaemon">Whether the daemon looks for descriptors even if the kernel can refuse them.</param>
/// <param name="logger">The log.</param>
/// <param name="banned">Called, from the loop itself, when a bucket has been banned.</param>
internal sealed class DescriptorCheck(Loop loop, ChildReaper reaper, bool byDaemon, ILogger logger, Action<Bucket> banned)
{
    /// <summary>The buckets whose sockets the daemon does not touch.</summary>
    public Offenders Offenders { get; } = new(loop, logger, banned);

    /// <summary>Closes the sockets that the loop must not close.</summary>
    public SocketReleaser Releaser => field ??= new SocketReleaser(loop, reaper, Offenders, logger);

    /// <summary>Receives from stream sockets.</summary>
    public OneMessage OneMessage { get; } = new();

    /// <summary>The buffer in which the relays examine the data that they move.</summary>
    public byte[] Room { get; } = new byte[UntrustedSocket.MostAtOnce];

    /// <summary>How long the loop's thread has run in this turn.</summary>
    public TimeSpan ProcessorTimeOfTurn => loop.ProcessorTimeOfTurn;

    /// <summary>Makes the kernel refuse descriptors on all later connections, if it can.</summary>
    /// <exception cref="SystemCallException">The option cannot be set.</exception>
    public void Guard(FileDescriptor listening)
    {
        if (!byDaemon)
            Libc.refuse_descriptors(listening);
    }

    /// <summary>
    /// Takes over an accepted connection. The client can have connected before this daemon guarded the listening socket: while another
    /// daemon or systemd held the socket.
    /// </summary>
    /// <param name="socket">The socket; it no longer belongs to the calling method.</param>
    public UntrustedSocket Accepted(FileDescriptor socket) =>
        Take(socket, InputKind.Stream, byDaemon || !Libc.refuses_descriptors(socket));

    /// <summary>Takes over the daemon's end of a socket pair whose other end no untrusted process has had so far.</summary>
    /// <param name="socket">The socket; it no longer belongs to the calling method.</param>
    /// <param name="kind">What can come from the socket.</param>
    /// <exception cref="SystemCallException">The option cannot be set; the socket still belongs to the calling method.</exception>
    public UntrustedSocket Own(FileDescriptor socket, InputKind kind) => kind == InputKind.None
        ? new UntrustedSocket(this, socket, kind, isLookedAt: false)
        : Take(socket, kind, byDaemon || !Libc.refuse_descriptors(socket));

    /// <summary>Closes a listening socket; connections in its queue can contain anything.</summary>
    public void Close(FileDescriptor listening)
    {
        if (byDaemon || !Libc.refuses_descriptors(listening))
            Releaser.Release(listening, Bucket.Root);
        else
            listening.Dispose();
    }

    /// <summary>Stops: other processes close the sockets that are still open, and the daemon does not wait for these processes.</summary>
    public Task StopAsync() => Releaser.StopAsync();

    private UntrustedSocket Take(FileDescriptor socket, InputKind kind, bool isLookedAt)
    {
        if (isLookedAt)
            Libc.show_out_of_band(socket);
        return new UntrustedSocket(this, socket, kind, isLookedAt);
    }
}
