using PipeForkAs.LibC;

namespace PipeForkAs.Daemon.Untrusted;

/// <summary>
/// The process that closes sockets for the daemon, which may take as long as their senders like. It never receives what is in them: it
/// reads their bytes without room for descriptors, and those are dropped here.
/// </summary>
internal static class ReleasingProcess
{
    /// <summary>The argument by which the daemon's executable is told to be this process.</summary>
    public const string Argument = "--release-sockets";

    /// <summary>The socket to the daemon.</summary>
    public const int ControlDescriptor = 3;

    /// <summary>A message with sockets.</summary>
    public const byte Batch = (byte)'b';

    /// <summary>The daemon has closed its own copies: these here are the last.</summary>
    public const byte Close = (byte)'c';

    /// <summary>The answer: ready for a batch.</summary>
    public const byte Ready = (byte)'r';

    /// <summary>Serves until the daemon closes its end. Returns the process's exit code.</summary>
    public static int Run()
    {
        Libc.prctl_set_pdeathsig(Signal.SIGKILL);
        Libc.signal_ignore(Signal.SIGPIPE);
#pragma warning disable CA2000 // The descriptor is the process's own, and stays open.
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
    /// Reads what is left, since a Unix socket that is closed with unread data resets its peer (unix_release_sock in the kernel's
    /// af_unix.c).
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
