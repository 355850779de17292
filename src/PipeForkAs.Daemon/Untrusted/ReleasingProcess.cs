using PipeForkAs.LibC;

namespace PipeForkAs.Daemon.Untrusted;

/// <summary>
/// The process that closes sockets for the daemon; that can take as long as the senders want. It never receives the descriptors in the
/// sockets: it reads the bytes without room for descriptors, and the kernel drops the descriptors in this process.
/// </summary>
internal static class ReleasingProcess
{
    /// <summary>The argument that makes the daemon's executable run as this process.</summary>
    public const string Argument = "--release-sockets";

    /// <summary>The socket to the daemon.</summary>
    public const int ControlDescriptor = 3;

    /// <summary>A message with sockets.</summary>
    public const byte Batch = (byte)'b';

    /// <summary>The message that the daemon has closed its own copies: the copies in this process are the last.</summary>
    public const byte Close = (byte)'c';

    /// <summary>The answer: ready for a batch.</summary>
    public const byte Ready = (byte)'r';

    /// <summary>Closes sockets until the daemon closes its end. Returns the exit code of the process.</summary>
    public static int Run()
    {
        Libc.prctl_set_pdeathsig(Signal.SIGKILL);
        Libc.signal_ignore(Signal.SIGPIPE);
#pragma warning disable CA2000 // The process keeps the descriptor open until it exits.
        var control = new FileDescriptor(ControlDescriptor);
#pragma warning restore CA2000
        var word = new byte[1];
        var received = new FileDescriptor?[Libc.MaxMessageDescriptors];
        var held = new List<FileDescriptor>(received.Length);
        if (Libc.send(control, [Ready]).Failed)
            return 0;
        while (true)
        {
            IOResult result = Libc.recvmsg(control, word, received, out int count, mayLackDescriptors: true);
            if (result.Count == 0)
                return 0;
            for (int i = 0; i < count; i++)
                held.Add(received[i]!);
            if (word[0] != Close)
                continue;
            foreach (FileDescriptor socket in held)
                Release(socket);
            held.Clear();
            if (Libc.send(control, [Ready]).Failed)
                return 0;
        }
    }

    /// <summary>
    /// Reads the remaining data first, because a Unix socket that is closed with unread data resets its peer (unix_release_sock in the
    /// kernel's af_unix.c).
    /// </summary>
    private static void Release(FileDescriptor socket)
    {
        Span<byte> rest = stackalloc byte[16 * 1024];
        while (Libc.recv(socket, rest).Count > 0)
        {
        }

        socket.Dispose();
    }
}
