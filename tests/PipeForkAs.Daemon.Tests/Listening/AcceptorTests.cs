using System.Net.Sockets;
using PipeForkAs.Daemon.Configuration;
using PipeForkAs.Daemon.Forking;
using PipeForkAs.Daemon.Listening;
using PipeForkAs.Daemon.Tests.Fakes;
using PipeForkAs.Daemon.Untrusted;
using PipeForkAs.LibC;

namespace PipeForkAs.Daemon.Tests.Listening;

public sealed class AcceptorTests : IAsyncDisposable
{
    private readonly LoopThread thread = new();
    private readonly TemporaryFolder folder = new();
    private readonly LogLines log = new();
    private readonly List<Socket> clients = [];
    private readonly List<(Connection Connection, TaskCompletionSource End)> served = [];
    private readonly List<Connection> refused = [];
    private readonly LimitOptions limits = new() { MaxConnections = 2, MaxConnectionsPerUid = 100 };
    private readonly string path;
    private readonly DescriptorCheck descriptors;
    private Connections? connections;
    private Acceptor? acceptor;

    public AcceptorTests()
    {
        path = folder.File("socket");
        descriptors = new DescriptorCheck(thread.Loop, new ChildReaper(_ => { }), byDaemon: false, log);
    }

    [Fact]
    public async Task Who_finds_no_room_waits_until_one_has_ended()
    {
        await AcceptAsync(SocketListener.Open(path, 0b110_110_110, descriptors));
        Connect(3);
        await ServedAsync(2);

        await EndAsync(served[0]);

        await ServedAsync(3);
        Assert.Equal(0, clients[0].Receive(new byte[1]));
        Assert.Equal(2, await thread.RunAsync(() => Task.FromResult(connections!.Count)));
    }

    [Fact]
    public async Task Who_finds_no_room_is_served_when_the_limits_allow_more()
    {
        await AcceptAsync(SocketListener.Open(path, 0b110_110_110, descriptors));
        Connect(4);
        await ServedAsync(2);

        await thread.RunAsync(() =>
        {
            limits.MaxConnections = 3;
            connections!.Reconsider();
        });

        await ServedAsync(3);
    }

    [Fact]
    public async Task Who_has_too_many_connections_is_told_and_is_served_again_with_fewer()
    {
        (limits.MaxConnections, limits.MaxConnectionsPerUid) = (100, 1);
        await AcceptAsync(SocketListener.Open(path, 0b110_110_110, descriptors));
        Connect(2);
        await UntilAsync(() => (served.Count, refused.Count) == (1, 1) && connections!.Count == 1);

        await EndAsync(served[0]);
        Connect(1);

        await ServedAsync(2);
        Assert.Single(refused);
    }

    [Fact]
    public async Task A_stop_serves_who_has_connected_and_takes_nobody_else()
    {
        await AcceptAsync(SocketListener.Open(path, 0b110_110_110, descriptors));
        await thread.RunAsync(() =>
        {
            // All in one turn of the loop: it accepted none of them yet.
            Connect(2);
            return StopAsync();
        });

        await ServedAsync(2);
        Assert.False(File.Exists(path));
        Assert.Throws<SocketException>(() => Connect(1));
    }

    [Fact]
    public async Task A_stop_takes_no_more_than_there_is_room_for_then_or_later()
    {
        await AcceptAsync(SocketListener.Open(path, 0b110_110_110, descriptors));
        Connect(3);
        await ServedAsync(2);

        await thread.RunAsync(StopAsync);
        await EndAsync(served[0]);
        await EndAsync(served[1]);

        await ServedAsync(2);
        Assert.Empty(log.Lines);
        Assert.Empty(thread.Failures);
    }

    [Fact]
    public async Task A_stop_leaves_the_service_managers_queue_to_the_next_daemon()
    {
        using var manager = new Socket(AddressFamily.Unix, System.Net.Sockets.SocketType.Stream, ProtocolType.Unspecified) { Blocking = false };
        manager.Bind(new UnixDomainSocketEndPoint(path));
        manager.Listen(10);
        var borrowed = new FileDescriptor((int)manager.Handle);
        await AcceptAsync(SocketListener.Adopt(Libc.dup_from(borrowed, 0), descriptors));
        borrowed.Release();
        await thread.RunAsync(() =>
        {
            Connect(1);
            return StopAsync();
        });
        Connect(1);

        using Socket first = manager.Accept(), second = manager.Accept();
        Assert.Empty(served);
    }

    [Fact]
    public async Task A_service_that_fails_ends_its_own_connection_only()
    {
        await AcceptAsync(SocketListener.Open(path, 0b110_110_110, descriptors));
        Connect(2);
        await ServedAsync(2);

        await thread.RunAsync(() => served[0].End.SetException(new InvalidOperationException("out of order")));

        await UntilAsync(() => connections!.Count == 1);
        Assert.Equal(0, clients[0].Receive(new byte[1]));
        Assert.Single(log.Lines);
        Assert.False(served[1].Connection.IsClosed);
        Assert.Empty(thread.Failures);
    }

    public async ValueTask DisposeAsync()
    {
        await thread.RunAsync(async () =>
        {
            limits.MaxConnections = 0; // Nobody comes after those.
            await StopAsync();
            served.ForEach(service => service.End.TrySetResult());
        });
        thread.Dispose();
        clients.ForEach(client => client.Dispose());
        folder.Dispose();
    }

    private Task AcceptAsync(SocketListener listener) => thread.RunAsync(() =>
    {
        connections = new Connections(thread.Loop, descriptors, limits, ServeAsync, RefuseAsync, log);
        acceptor = new Acceptor(thread.Loop, listener, connections, log);
        acceptor.Start();
    });

    private async Task StopAsync()
    {
        Acceptor? last = acceptor;
        acceptor = null;
        if (last is not null)
            await last.StopAsync();
    }

    private Task ServeAsync(Connection connection)
    {
        served.Add((connection, new TaskCompletionSource()));
        return served[^1].End.Task;
    }

    private Task RefuseAsync(Connection connection)
    {
        refused.Add(connection);
        return Task.CompletedTask;
    }

    private void Connect(int count)
    {
        for (int i = 0; i < count; i++)
        {
            var client = new Socket(AddressFamily.Unix, System.Net.Sockets.SocketType.Stream, ProtocolType.Unspecified) { ReceiveTimeout = 30_000 };
            clients.Add(client);
            client.Connect(new UnixDomainSocketEndPoint(path));
        }
    }

    private Task EndAsync((Connection Connection, TaskCompletionSource End) service) => thread.RunAsync(service.End.SetResult);

    /// <summary>Waits for so many, and sees that there are no more.</summary>
    private async Task ServedAsync(int count)
    {
        await UntilAsync(() => served.Count >= count);
        await thread.SettleAsync();
        Assert.Equal(count, await thread.RunAsync(() => Task.FromResult(served.Count)));
    }

    private async Task UntilAsync(Func<bool> holds)
    {
        using var limit = new CancellationTokenSource(TimeSpan.FromSeconds(30));
        while (!await thread.RunAsync(() => Task.FromResult(holds())))
            await Task.Delay(5, limit.Token);
    }
}
