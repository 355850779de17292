using PipeForkAs.LibC;

namespace PipeForkAs.Daemon.Untrusted;

/// <summary>
/// Receives from a stream socket what the other end sent in one call, or a part of it. recv(2) takes as many messages as fit, and wakes the
/// sender for each of them: a sender with many one-byte messages, and with many watches on its socket, would make one call take as long as
/// hundreds. A pipe with room for one page takes one message; pipe(7), F_SETPIPE_SZ. For use on the loop.
/// </summary>
internal sealed class OneMessage
{
    /// <summary>The most bytes that one call receives.</summary>
    public const int MostBytes = 4096;

    /// <summary>It never moves, so that the garbage collector leaves no copies of a password, and is cleared after each use.</summary>
    private readonly byte[] room = GC.AllocateUninitializedArray<byte>(MostBytes, pinned: true);

    private FileDescriptor read, write;

    /// <summary>Makes the pipe.</summary>
    /// <exception cref="SystemCallException">No descriptors are left, or the pipe cannot be made so small.</exception>
    public OneMessage() => (read, write) = Make();

    /// <summary>Receives bytes; returns EPROTO if the next bytes carry descriptors and <paramref name="isLookedAt"/> is true.</summary>
    public IOResult Receive(FileDescriptor socket, Span<byte> buffer, bool isLookedAt)
    {
        IOResult moved = Move(socket, Math.Min(buffer.Length, MostBytes), isLookedAt);
        if (moved.Count > 0 && Libc.read(read, buffer[..(int)moved.Count]).Count != moved.Count)
            throw Lost();
        return moved;
    }

    /// <summary>Moves bytes to another pipe of the daemon, which is empty.</summary>
    public IOResult SpliceTo(FileDescriptor pipe, FileDescriptor socket, bool isLookedAt)
    {
        IOResult moved = Move(socket, MostBytes, isLookedAt);
        if (moved.Count > 0 && Libc.splice(read, pipe, (int)moved.Count).Count != moved.Count)
            throw Lost();
        return moved;
    }

    private static (FileDescriptor Read, FileDescriptor Write) Make()
    {
        (FileDescriptor read, FileDescriptor write) = Libc.pipe2();
        try
        {
            Libc.set_pipe_size(write, MostBytes);
            Libc.set_nonblocking(read);
            return (read, write);
        }
        catch
        {
            read.Dispose();
            write.Dispose();
            throw;
        }
    }

    private IOResult Move(FileDescriptor socket, int most, bool isLookedAt)
    {
        if (!isLookedAt)
            return Libc.splice(socket, write, most);
        Span<byte> seen = room.AsSpan(0, most);
        IOResult moved = Libc.splice_without_descriptors(socket, write, seen);

        // The call can have looked at more than it moved.
        seen.Clear();
        return moved;
    }

    /// <summary>Replaces the pipe: bytes of one socket must never be taken for those of another.</summary>
    private InvalidOperationException Lost()
    {
        read.Dispose();
        write.Dispose();
        (read, write) = Make();
        return new InvalidOperationException("a pipe of the daemon did not return the bytes that were written to it");
    }
}
