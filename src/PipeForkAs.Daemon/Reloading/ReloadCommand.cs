using System.Globalization;
using System.Text;
using System.Text.Json;
using PipeForkAs.LibC;
using PipeForkAs.Protocol;
using PipeForkAs.Protocol.Client;

namespace PipeForkAs.Daemon.Reloading;

/// <summary><c>pipeforkasd --reload</c>: makes the running daemon reload, waits for the result, and exits with it.</summary>
internal static class ReloadCommand
{
    private const int ExitFailure = 1;

    /// <summary>The maximum size of a reply in bytes, so that a broken daemon cannot exhaust the memory.</summary>
    private const int LongestReply = 4 * 1024 * 1024;

    /// <summary>
    /// Runs the command. Returns 0 if the daemon applied its configuration, and 1 if it did not or if the result is unknown; stderr says
    /// why.
    /// </summary>
    /// <param name="chosen">The file from <c>--config</c>. It defines the socket if there is no better source.</param>
    public static int Run(string? chosen)
    {
        try
        {
            string socket = Find(chosen);
            (byte[] output, EndRecord end) = Ask(socket);
            string[] lines = Encoding.UTF8.GetString(output).Split('\n', StringSplitOptions.RemoveEmptyEntries);
            if (end.Code == ReplyCode.Ok)
            {
                string changed = lines.Length == 0 ? "nothing" : UntrustedText.Escape(string.Join(", ", lines));
                Console.Out.WriteLine($"configuration reloaded; changed: {changed}");
                return 0;
            }

            foreach (string line in (IEnumerable<string>)[.. lines, end.Message ?? end.Code.ToWire()])
                Console.Error.WriteLine($"pipeforkasd: {UntrustedText.Escape(line)}");
        }
        catch (Exception failure)
            when (failure is IOException or UnauthorizedAccessException or SystemCallException or FormatException or JsonException)
        {
            Console.Error.WriteLine($"pipeforkasd: {UntrustedText.Escape(failure.Message)}");
        }

        return ExitFailure;
    }

    private static string Find(string? chosen)
    {
        if (Environment.GetEnvironmentVariable(ServedSocket.ProcessVariable) is not { Length: > 0 } text)
            return ServedSocket.OfConfiguration(chosen);
        if (!int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out int number) || number < 1)
            throw new FormatException($"{ServedSocket.ProcessVariable} is \"{text}\", which is not a process id");
        try
        {
            return ServedSocket.Of(new ProcessId(number))
                ?? throw new IOException(
                    $"process {number} ({ServedSocket.ProcessVariable}) does not listen on a Unix socket; is it pipeforkasd?");
        }
        catch (SystemCallException failure) when (failure.Errno == Errno.EPERM || failure.Errno == Errno.ENOSYS)
        {
            // The command runs in a sandbox, as with packaging/strict.conf, or kernel.yama.ptrace_scope is 3. The configuration can name
            // another socket by now, which the daemon does not serve.
            string configured = ServedSocket.OfConfiguration(chosen);
            return File.Exists(configured) ? configured : ClientProtocol.DefaultSocketPath;
        }
    }

    private static (byte[] Output, EndRecord End) Ask(string path)
    {
        using FileDescriptor socket = Libc.socket_unix(SocketType.SOCK_STREAM, blocking: true);
        IOResult connected = Libc.connect(socket, path);
        if (connected.Failed)
            throw new IOException($"cannot connect to {path}: {connected.Errno}; is pipeforkas running?");

        // The kernel attests which user listens there. A reply from any user except root is worthless.
        UserId listener = Libc.getsockopt_peercred(socket).Uid;
        if (listener != UserId.Root)
            throw new IOException($"uid {listener} listens on {path}, not root");

        byte[] line = new Request { Operation = Operation.Reload, Reply = ReplyForm.Frames }.ToLine();
        if (Libc.send(socket, line).OrThrow($"send({path})") != line.Length)
            throw new IOException($"the request could not be sent to {path}");
        return Parse(ReadAll(socket), path);
    }

    private static byte[] ReadAll(FileDescriptor socket)
    {
        using var reply = new MemoryStream();
        var buffer = new byte[64 * 1024];
        while (Libc.read(socket, buffer).OrThrow("read(reply)") is var count and > 0)
        {
            reply.Write(buffer, 0, (int)count);
            if (reply.Length > LongestReply)
                throw new IOException($"the reply is longer than {LongestReply} bytes");
        }

        return reply.ToArray();
    }

    private static (byte[] Output, EndRecord End) Parse(ReadOnlySpan<byte> reply, string path)
    {
        using var output = new MemoryStream();
        while (reply.Length >= FrameHeader.Size)
        {
            FrameHeader header = FrameHeader.Decode(reply);
            reply = reply[FrameHeader.Size..];
            if (reply.Length < header.Length)
                break;
            if (header.Type == FrameType.End)
                return (output.ToArray(), EndRecord.Parse(reply[..header.Length]));
            output.Write(reply[..header.Length]);
            reply = reply[header.Length..];
        }

        throw new IOException($"the reply of {path} was cut short; the daemon's log shows whether it reloaded");
    }
}
