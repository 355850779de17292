using System.Net.Sockets;

using PipeForkAs.Protocol.Client;

namespace PipeForkAs.Tests.Fakes;

/// <summary>The end of one connection at the daemon.</summary>
internal sealed class FakeConnection(Socket socket) : IDisposable
{
    private readonly byte[] buffer = new byte[256 * 1024];
    private ReadOnlyMemory<byte> unread;

    public Socket Socket => socket;

    /// <summary>Reads the line of the request with the parser of the product.</summary>
    public async Task<Request> ReadRequestAsync()
    {
        MemoryStream line = new();
        int end;
        while ((end = (await ReadAsync()).Span.IndexOf((byte)'\n')) < 0)
        {
            Assert.False(unread.IsEmpty, "the request has no end");
            line.Write(unread.Span);
            unread = default;
        }

        line.Write(unread.Span[..end]);
        unread = unread[(end + 1)..];
        Request request = Request.Parse(line.ToArray());
        Assert.Equal(ReplyForm.Frames, request.Reply); // A client of the library reads frames; a daemon otherwise replies in text.
        return request;
    }

    /// <summary>The next part of the input of the job; empty at its end.</summary>
    public async Task<ReadOnlyMemory<byte>> ReadInputAsync()
    {
        ReadOnlyMemory<byte> piece = await ReadAsync();
        unread = default;
        return piece;
    }

    /// <summary>The complete input of the job.</summary>
    public async Task<byte[]> ReadInputToEndAsync()
    {
        MemoryStream input = new();
        ReadOnlyMemory<byte> piece;
        while (!(piece = await ReadInputAsync()).IsEmpty)
            input.Write(piece.Span);
        return input.ToArray();
    }

    public async Task SendAsync(params byte[][] pieces)
    {
        foreach (byte[] piece in pieces)
            await socket.SendAsync(piece);
    }

    /// <summary>Returns when the client has closed the connection, and not only its write side.</summary>
    public async Task ClientClosesAsync()
    {
        try
        {
            while (true)
            {
                await socket.SendAsync(Reply.Out([0]));
                await Task.Delay(1);
            }
        }
        catch (SocketException)
        {
            // EPIPE or ECONNRESET: the client has closed the connection.
        }
    }

    public void Dispose() => socket.Dispose();

    private async Task<ReadOnlyMemory<byte>> ReadAsync()
    {
        if (unread.IsEmpty)
            unread = buffer.AsMemory(0, await socket.ReceiveAsync(buffer));
        return unread;
    }
}
