using Microsoft.Extensions.Logging;
using PipeForkAs.Daemon.EventLoop;
using PipeForkAs.Daemon.Fairness;
using PipeForkAs.Daemon.Processes;
using PipeForkAs.LibC;

namespace PipeForkAs.Daemon.Untrusted;

/// <summary>
/// Keeps descriptors out that clients and jobs send along (SCM_RIGHTS), without ever closing one on the loop's thread. Where the kernel
/// can refuse them (SO_PASSRIGHTS, Linux 6.16), it does. Elsewhere the daemon looks for them before it receives anything, and leaves what
/// it must not receive to a <see cref="SocketReleaser"/>.
/// </summary>
/// <param name="loop">The loop.</param>
/// <param name="reaper">Reaps the processes that close sockets.</param>
/// <param name="byDaemon">Whether the daemon looks for them also where the kernel can refuse them.</param>
/// <param name="logger">The log.</param>
/// <param name="banned">Called, from the loop itself, when a bucket has been banned.</param>
internal sealed class DescriptorCheck(Loop loop, ChildReaper reaper, bool byDaemon, ILogger logger, Action<Bucket> banned)
{
    /// <summary>The buckets whose sockets the daemon does not touch.</summary>
    public Offenders Offenders { get; } = new(loop, logger, banned);

    /// <summary>Closes what the loop must not close.</summary>
    public SocketReleaser Releaser => field ??= new SocketReleaser(loop, reaper, Offenders, logger);

    /// <summary>Receives from streams.</summary>
    public OneMessage OneMessage { get; } = new();

    /// <summary>The room in which the relays look at what they move.</summary>
    public byte[] Room { get; } = new byte[UntrustedSocket.MostAtOnce];

    /// <summary>How long the loop's thread has run in this turn.</summary>
    public TimeSpan ProcessorTimeOfTurn => loop.ProcessorTimeOfTurn;

    /// <summary>Has the kernel refuse descriptors for all who connect from now on, where it can.</summary>
    /// <exception cref="SystemCallException">The option cannot be set.</exception>
    public void Guard(FileDescriptor listening)
    {
        if (!byDaemon)
            Libc.refuse_descriptors(listening);
    }

    /// <summary>
    /// A connection that was accepted. It may have been made before the listening socket was guarded: by another daemon, or while systemd
    /// held it.
    /// </summary>
    /// <param name="socket">The socket, from here on not the caller's.</param>
    public UntrustedSocket Accepted(FileDescriptor socket) =>
        Take(socket, InputKind.Stream, byDaemon || !Libc.refuses_descriptors(socket));

    /// <summary>The daemon's end of a pair, whose other end nobody hostile has had so far.</summary>
    /// <param name="socket">The socket, from here on not the caller's.</param>
    /// <param name="kind">What can come from it.</param>
    /// <exception cref="SystemCallException">The option cannot be set; the socket is still the caller's.</exception>
    public UntrustedSocket Own(FileDescriptor socket, InputKind kind) => kind == InputKind.None
        ? new UntrustedSocket(this, socket, kind, isLookedAt: false)
        : Take(socket, kind, byDaemon || !Libc.refuse_descriptors(socket));

    /// <summary>Closes a listening socket, in whose queue there may be connections with anything in them.</summary>
    public void Close(FileDescriptor listening)
    {
        if (byDaemon || !Libc.refuses_descriptors(listening))
            Releaser.Release(listening, Bucket.Root);
        else
            listening.Dispose();
    }

    /// <summary>The daemon stops: what is not closed yet is closed by other processes, which nobody waits for.</summary>
    public Task StopAsync() => Releaser.StopAsync();

    private UntrustedSocket Take(FileDescriptor socket, InputKind kind, bool isLookedAt)
    {
        if (isLookedAt)
            Libc.show_out_of_band(socket);
        return new UntrustedSocket(this, socket, kind, isLookedAt);
    }
}
