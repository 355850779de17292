using System.Net.Sockets;
using Microsoft.Win32.SafeHandles;

namespace PipeForkAs.Cli.Terminal;

/// <summary>Descriptors 0, 1 and 2 as streams of bytes, without decoding and without buffers.</summary>
internal static class StandardStreams
{
    private const int Input = 0;
    private const int Output = 1;
    private const int Error = 2;

    /// <summary>Opens /dev/null in place of closed descriptors, as set-user-id programs do. Otherwise the connection to the daemon would
    /// become the standard output, and the job's output would become the job's input. It is opened for reading, so a write to it still
    /// fails.
    /// </summary>
    public static void Secure()
    {
        while (true)
        {
            using SafeFileHandle handle = File.OpenHandle("/dev/null", FileMode.Open, FileAccess.Read, FileShare.ReadWrite);
            if (handle.DangerousGetHandle() > Error)
                return;

            // Nothing closes it any more.
            handle.SetHandleAsInvalid();
        }
    }

    public static Stream OpenInput() => Open(Input, FileAccess.Read, Console.OpenStandardInput);

    public static Stream OpenOutput() => Open(Output, FileAccess.Write, Console.OpenStandardOutput);

    public static Stream OpenError() => Open(Error, FileAccess.Write, Console.OpenStandardError);

    /// <summary>Opens a <see cref="FileStream"/> for pipes, sockets and terminals: the console's stream would hide that nothing reads a
    /// pipe any more, split the input of a terminal into its own lines, and write control sequences to it. Opens the console's stream for
    /// files: it moves the file's offset, which other programs share, as in <c>(pipeforkas ...; date) > log</c>. A <see cref="FileStream"/>
    /// would keep a separate offset.
    /// </summary>
    private static Stream Open(int descriptor, FileAccess access, Func<Stream> openConsole)
    {
#pragma warning disable CA2000 // The stream disposes of the handle, which owns nothing anyway.
        FileStream stream = new(new SafeFileHandle(descriptor, ownsHandle: false), access, bufferSize: 0);
#pragma warning restore CA2000
        if (stream.CanSeek)
        {
            stream.Dispose();
            return openConsole();
        }

        if (!IsNonBlocking(descriptor))
            return stream;
        Stream? waiting = Reopen(descriptor, access);
        return waiting ?? OverSocket(descriptor, access) ?? (Stream)stream;
    }

    /// <summary>Whether another program that shares the descriptor has made its calls fail (EAGAIN) instead of waiting. That applies to
    /// every program that shares it.
    /// </summary>
    private static bool IsNonBlocking(int descriptor)
    {
        const int O_NONBLOCK = 0x800;
        try
        {
            // proc(5): "flags:" and the flags of open(2), in octal.
            string? flags = File.ReadLines($"/proc/self/fdinfo/{descriptor}").FirstOrDefault(
                line => line.StartsWith("flags:", StringComparison.Ordinal));
            return flags is not null && (Convert.ToInt64(flags["flags:".Length..].Trim(), 8) & O_NONBLOCK) != 0;
        }
        catch (Exception unknown) when (unknown is IOException or UnauthorizedAccessException)
        {
            return false;
        }
    }

    /// <summary>Opens a stream that waits although the socket does not: rsync gives its remote shell such a socket. Null if the descriptor
    /// is not a socket.
    /// </summary>
    private static NetworkStream? OverSocket(int descriptor, FileAccess access)
    {
        try
        {
            // The descriptor keeps its flags: Socket itself waits.
#pragma warning disable CA2000 // The receiver owns it, and closes it.
            var socket = new Socket(new SafeSocketHandle(descriptor, ownsHandle: false)) { Blocking = true };
#pragma warning restore CA2000
            return new NetworkStream(socket, access, ownsSocket: false);
        }
        catch (Exception refused) when (refused is SocketException or IOException)
        {
            return null;
        }
    }

    /// <summary>Opens the same pipe or terminal with separate flags, so that the other program's flags do not change. Null for a socket, or
    /// if the process may not open it.
    /// </summary>
    private static FileStream? Reopen(int descriptor, FileAccess access)
    {
        try
        {
            return new FileStream($"/proc/self/fd/{descriptor}", FileMode.Open, access, FileShare.ReadWrite, bufferSize: 0);
        }
        catch (Exception refused) when (refused is IOException or UnauthorizedAccessException)
        {
            return null;
        }
    }
}
