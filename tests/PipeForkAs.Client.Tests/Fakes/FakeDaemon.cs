using System.Net.Sockets;

using PipeForkAs.Protocol.Client;

namespace PipeForkAs.Tests.Fakes;

/// <summary>A daemon that handles each connection with a function of the test, on a real socket in its own folder.</summary>
internal sealed class FakeDaemon : IAsyncDisposable
{
    private readonly string folder = Directory.CreateTempSubdirectory("pipeforkas-test-").FullName;
    private readonly Socket listener = new(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
    private readonly Task serving;

    public FakeDaemon(Func<FakeConnection, Task> serve, int backlog = 64, Task? acceptAfter = null)
    {
        SocketPath = Path.Combine(folder, "daemon.sock");
        listener.Bind(new UnixDomainSocketEndPoint(SocketPath));
        listener.Listen(backlog);
        serving = ServeAsync(serve, acceptAfter ?? Task.CompletedTask);
    }

    /// <summary>A daemon that reads the request, sends the bytes and closes.</summary>
    public static FakeDaemon Replying(params byte[][] pieces) => new(async connection =>
    {
        await connection.ReadRequestAsync();
        try
        {
            await connection.SendAsync(pieces);
        }
        catch (SocketException)
        {
            // The client may disconnect early; the tests check what it reports.
        }
    });

    /// <summary>A daemon with one job, which <c>list</c> and <c>describe</c> return and which a function of the test runs.</summary>
    public static FakeDaemon Holding(JobDescription job, Func<FakeConnection, Request, Task> run) => new(async connection =>
    {
        Request request = await connection.ReadRequestAsync();
        switch (request.Operation)
        {
            case Operation.List:
                await connection.SendAsync(Reply.Out(Reply.Json([job])), Reply.End(ReplyCode.Ok));
                break;
            case Operation.Describe when request.Job == job.Name:
                await connection.SendAsync(Reply.Out(Reply.Json(job)), Reply.End(ReplyCode.Ok));
                break;
            case Operation.Describe:
                await connection.SendAsync(Reply.End(ReplyCode.UnknownJob, message: "no such job"));
                break;
            default:
                await run(connection, request);
                break;
        }
    });

    public string SocketPath { get; }

    /// <summary>A path in the folder of the daemon.</summary>
    public string PathOf(string name) => Path.Combine(folder, name);

    public async ValueTask DisposeAsync()
    {
        listener.Dispose();
        await serving;
        Directory.Delete(folder, recursive: true);
    }

    private async Task ServeAsync(Func<FakeConnection, Task> serve, Task acceptAfter)
    {
        List<Task> connections = [];
        try
        {
            await acceptAfter;
            while (true)
                connections.Add(ServeOneAsync(serve, await listener.AcceptAsync()));
        }
        catch (Exception closed) when (closed is SocketException or ObjectDisposedException)
        {
            // The test is over. An error in a connection fails the test.
            await Task.WhenAll(connections);
        }
    }

    private static async Task ServeOneAsync(Func<FakeConnection, Task> serve, Socket socket)
    {
        using FakeConnection connection = new(socket);
        await serve(connection);
    }
}
