using PipeForkAs.LibC;

namespace PipeForkAs.Cli.Terminal;

/// <summary>One of the descriptors 0, 1 and 2, and what a call on it may wait for.</summary>
internal sealed class Descriptor
{
    private readonly OpenFlags access;
    private bool wasOpenedAgain;

    /// <param name="descriptor">The descriptor.</param>
    /// <param name="access">How it is used: O_RDONLY or O_WRONLY.</param>
    /// <exception cref="IOException">The descriptor is open for the other direction.</exception>
    public Descriptor(FileDescriptor descriptor, OpenFlags access)
    {
        this.access = access;
        Waiting = descriptor;
        FileKind kind = Libc.fstat(descriptor).Kind;
        OpenFlags flags = Libc.get_flags(descriptor);

        // poll(2) never reports a pipe as ready for the other direction.
        if ((flags & (OpenFlags.O_WRONLY | OpenFlags.O_RDWR)) is var opened && opened != access && opened != OpenFlags.O_RDWR)
            throw Failure(Errno.EBADF);
        IsFile = kind == FileKind.Regular;
        IsSocket = kind == FileKind.Socket;
        IsTerminal = kind == FileKind.CharacterDevice && Libc.isatty(descriptor);
        Blocks = (kind == FileKind.Fifo || IsTerminal) && !flags.HasFlag(OpenFlags.O_NONBLOCK);
    }

    /// <summary>The descriptor to poll and to use.</summary>
    public FileDescriptor Waiting { get; private set; }

    /// <summary>Whether it is a file, on which calls wait for nothing but the disk.</summary>
    public bool IsFile { get; }

    /// <summary>Whether it is a socket, on which each call can say that it must not wait.</summary>
    public bool IsSocket { get; }

    /// <summary>Whether it is a terminal.</summary>
    public bool IsTerminal { get; }

    /// <summary>Whether a call can wait for another program even if poll(2) reported the descriptor as ready: a large write, or a read of
    /// what another reader takes first.
    /// </summary>
    public bool Blocks { get; private set; }

    /// <summary>Opens the same pipe or terminal again, for calls that do not wait. Changes nothing if the process may not, as after su(1).
    /// </summary>
    public void OpenAgain()
    {
        if (wasOpenedAgain)
            return;

        wasOpenedAgain = true;
        try
        {
            Waiting = Libc.open($"/proc/self/fd/{Waiting}", access | OpenFlags.O_NONBLOCK | OpenFlags.O_NOCTTY);
            Blocks = false;
        }
        catch (SystemCallException)
        {
            // poll(2) before each call is sufficient unless several programs share the descriptor.
        }
    }

    /// <summary>Returns the count of a call.</summary>
    /// <exception cref="IOException">The call failed; <see cref="Exception.HResult"/> is errno.</exception>
    public static int Count(IOResult result) => result.Failed ? throw Failure(result.Errno) : (int)result.Count;

    private static IOException Failure(Errno errno) => new(errno.Text, errno.Value);
}
