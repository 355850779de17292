using PipeForkAs.LibC;

namespace PipeForkAs.Daemon.Systemd;

/// <summary>
/// The journal's socket for its native protocol. A send never waits: if the journal does not take a record now, the record is not sent.
/// </summary>
internal sealed class JournalSocket(string path) : IDisposable
{
    /// <summary>The socket of systemd's journal.</summary>
    public const string DefaultPath = "/run/systemd/journal/socket";

    private FileDescriptor? socket;

    /// <summary>Sends a record: as a datagram, or, if it is too large for one, as a sealed file in memory.</summary>
    /// <returns>The error; <see cref="Errno.None"/> for none.</returns>
    public Errno Send(ReadOnlySpan<byte> record)
    {
        try
        {
            Errno error = TrySend(record);
            if (error == Errno.None || error == Errno.EAGAIN)
                return error;

            // A journal that was restarted has another socket.
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
    /// Waits until the journal might take a record again, but at most for the given time. For a thread that can wait, after
    /// <see cref="Send"/> returned <see cref="Errno.EAGAIN"/>: only a connected socket returns that.
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
