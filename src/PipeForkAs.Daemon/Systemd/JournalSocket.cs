using PipeForkAs.LibC;

namespace PipeForkAs.Daemon.Systemd;

/// <summary>The journal's socket for its native protocol. To send never waits: what the journal does not take now is not sent.</summary>
internal sealed class JournalSocket(string path) : IDisposable
{
    /// <summary>Where systemd's journal listens.</summary>
    public const string DefaultPath = "/run/systemd/journal/socket";

    private FileDescriptor? socket;

    /// <summary>Sends a record: as a datagram, or, where it is too large for one, as a sealed file in memory.</summary>
    /// <returns>What was in the way; <see cref="Errno.None"/> where nothing was.</returns>
    public Errno Send(ReadOnlySpan<byte> record)
    {
        try
        {
            Errno error = TrySend(record);
            if (error == Errno.None || error == Errno.EAGAIN)
                return error;

            // Of a journal that was started anew the socket is another.
            socket?.Dispose();
            socket = null;
            return TrySend(record);
        }
        catch (SystemCallException failure)
        {
            return failure.Errno;
        }
    }

    /// <summary>
    /// Waits until the journal may take a record again, or so long. For a thread that may wait, after <see cref="Send"/> returned
    /// <see cref="Errno.EAGAIN"/>: only a socket that is connected returns that.
    /// </summary>
    public void Wait(int milliseconds)
    {
        if (socket is not null)
            Libc.is_writable(socket, milliseconds);
    }

    public void Dispose() => socket?.Dispose();

    private Errno TrySend(ReadOnlySpan<byte> record)
    {
        if (socket is null)
        {
            FileDescriptor fresh = Libc.socket_unix(SocketType.SOCK_DGRAM, blocking: false);
            IOResult connected = Libc.connect(fresh, path);
            if (connected.Failed)
            {
                fresh.Dispose();
                return connected.Errno;
            }

            socket = fresh;
        }

        Errno error = Libc.send(socket, record).Errno;
        return error == Errno.EMSGSIZE || error == Errno.ENOBUFS ? SendFile(socket, record) : error;
    }

    private static Errno SendFile(FileDescriptor socket, ReadOnlySpan<byte> record)
    {
        using FileDescriptor file = Libc.memfd_create("pipeforkas-log");
        while (!record.IsEmpty)
            record = record[Libc.write(file, record).OrThrow("write(memfd)")..];
        Libc.add_seals(file, FileSeals.F_SEAL_SHRINK | FileSeals.F_SEAL_GROW | FileSeals.F_SEAL_WRITE | FileSeals.F_SEAL_SEAL);
        return Libc.sendmsg(socket, [], [file], mayBeEmpty: true).Errno;
    }
}
