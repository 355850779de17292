using System.Net.Sockets;
using System.Text;
using PipeForkAs.Protocol.Client;

namespace PipeForkAs.EndToEnd.Harness;

/// <summary>A parsed reply in frames.</summary>
internal sealed record FramedReply(byte[] Stdout, byte[] Stderr, EndRecord End)
{
    public string Text => Encoding.UTF8.GetString(Stdout);

    /// <summary>Parses a reply, which must be complete: frames, then one end record.</summary>
    public static FramedReply Parse(ReadOnlySpan<byte> reply)
    {
        using var stdout = new MemoryStream();
        using var stderr = new MemoryStream();
        EndRecord? end = null;
        while (!reply.IsEmpty)
        {
            if (end is not null)
                throw new FormatException("something follows the end record");
            FrameHeader header = FrameHeader.Decode(reply);
            ReadOnlySpan<byte> payload = reply.Slice(FrameHeader.Size, header.Length);
            reply = reply[(FrameHeader.Size + header.Length)..];
            switch (header.Type)
            {
                case FrameType.Stdout:
                    stdout.Write(payload);
                    break;
                case FrameType.Stderr:
                    stderr.Write(payload);
                    break;
                default:
                    end = EndRecord.Parse(payload);
                    break;
            }
        }

        return new FramedReply(stdout.ToArray(), stderr.ToArray(), end ?? throw new FormatException("the reply was cut short"));
    }
}

/// <summary>A client that sends exactly the bytes of a test, as root.</summary>
internal static class RawClient
{
    private static readonly TimeSpan Deadline = TimeSpan.FromSeconds(60);

    /// <summary>Connects.</summary>
    public static async Task<Socket> ConnectAsync(DaemonProcess daemon)
    {
        var socket = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        await socket.ConnectAsync(new UnixDomainSocketEndPoint(daemon.Socket));
        return socket;
    }

    /// <summary>Sends bytes, shuts down writing and reads the reply to its end.</summary>
    public static async Task<byte[]> AskAsync(DaemonProcess daemon, ReadOnlyMemory<byte> request, bool halfClose = true)
    {
        using Socket socket = await ConnectAsync(daemon);
        Task sent = SendAsync(socket, request, halfClose);
        byte[] reply = await ReadToEndAsync(socket);
        await sent.WaitAsync(Deadline);
        return reply;
    }

    /// <summary>Sends one line and returns the text reply.</summary>
    public static async Task<string> TextAsync(DaemonProcess daemon, string line, string input = "") =>
        Encoding.UTF8.GetString(await AskAsync(daemon, Encoding.UTF8.GetBytes($"{line}\n{input}")));

    /// <summary>Sends one line, which must request frames, and parses the reply.</summary>
    public static async Task<FramedReply> FramesAsync(DaemonProcess daemon, string line, byte[]? input = null) =>
        FramedReply.Parse(await AskAsync(daemon, (byte[])[.. Encoding.UTF8.GetBytes(line), (byte)'\n', .. input ?? []]));

    /// <summary>Runs a job as a user, in frames.</summary>
    public static Task<FramedReply> RunAsync(
        DaemonProcess daemon, string job, string args = "{}", string? user = null, byte[]? input = null, string more = "") =>
        FramesAsync(daemon, $$"""{"job":"{{job}}","user":"{{user ?? TestUsers.Alice}}","args":{{args}},"reply":"frames"{{more}}}""", input);

    /// <summary>Reads to the end of the stream.</summary>
    public static async Task<byte[]> ReadToEndAsync(Socket socket)
    {
        using var deadline = new CancellationTokenSource(Deadline);
        using var reply = new MemoryStream();
        var buffer = new byte[256 * 1024];
        while (await socket.ReceiveAsync(buffer, deadline.Token) is var count and > 0)
            reply.Write(buffer, 0, count);
        return reply.ToArray();
    }

    private static async Task SendAsync(Socket socket, ReadOnlyMemory<byte> request, bool halfClose)
    {
        try
        {
            using var deadline = new CancellationTokenSource(Deadline);
            for (int sent = 0; sent < request.Length;)
                sent += await socket.SendAsync(request[sent..], deadline.Token);
            if (halfClose)
                socket.Shutdown(SocketShutdown.Send);
        }
        catch (SocketException)
        {
            // The daemon closed the connection before it read everything: its reply says why.
        }
    }
}
