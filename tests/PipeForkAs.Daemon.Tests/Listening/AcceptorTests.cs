using System.Net.Sockets;
using PipeForkAs.Daemon.Callers;
using PipeForkAs.Daemon.Configuration;
using PipeForkAs.Daemon.Fairness;
using PipeForkAs.Daemon.Listening;
using PipeForkAs.Daemon.Processes;
using PipeForkAs.Daemon.Tests.Authorization;
using PipeForkAs.Daemon.Tests.Fakes;
using PipeForkAs.Daemon.Untrusted;
using PipeForkAs.Daemon.Users;
using PipeForkAs.LibC;
using PipeForkAs.Protocol.Client;

namespace PipeForkAs.Daemon.Tests.Listening;

public sealed class AcceptorTests : IConnectionRefusals, IAsyncDisposable
{
    private readonly LoopThread thread = new();
    private readonly TemporaryFolder folder = new();
    private readonly LogLines log = new();
    private readonly List<Socket> clients = [];
    private readonly List<(Connection Connection, TaskCompletionSource End)> served = [];
    private readonly List<string> refused = [];
    private readonly LimitOptions limits = new() { MaxConnections = 2, MaxConnectionsPerUid = 100, RootReserve = 0 };
    private readonly string path;
    private readonly DescriptorCheck descriptors;
    private bool endsAtOnce;
    private Connections? connections;
    private Acceptor? acceptor;

    public AcceptorTests()
    {
        path = folder.File("socket");
        descriptors = new DescriptorCheck(thread.Loop, new ChildReaper(_ => { }), byDaemon: false, log, static _ => { });
    }

    [Fact]
    public async Task A_new_connection_beyond_the_limit_replaces_the_oldest_without_a_request()
    {
        await AcceptAsync(SocketListener.Open(path, 0b110_110_110, descriptors));
        Connect(3);
        await ServedAsync(3);

        Assert.Equal(ReplyCode.Busy, served[0].Connection.Interruption?.Code);
        Assert.Contains("Limits:MaxConnections", served[0].Connection.Interruption!.Message);
        Assert.Null(served[1].Connection.Interruption);
        await EndAsync(served[0]);
        Assert.Equal(0, clients[0].Receive(new byte[1]));
        Assert.Equal(2, await thread.RunAsync(() => Task.FromResult(connections!.Count)));
    }

    [Fact]
    public async Task A_new_connection_beyond_the_limit_is_refused_if_all_others_have_sent_requests()
    {
        await AcceptAsync(SocketListener.Open(path, 0b110_110_110, descriptors));
        Connect(2);
        await ServedAsync(2);
        await thread.RunAsync(() => served.ForEach(service => service.Connection.Reception!.End()));

        Connect(1);
        await UntilAsync(() => refused.Count == 1);
        await thread.RunAsync(() =>
        {
            limits.MaxConnections = 3;
            connections!.Reevaluate();
        });
        Connect(1);
        await ServedAsync(3);
        Assert.All(served, service => Assert.Null(service.Connection.Interruption));
    }

    [Fact]
    public async Task Root_has_reserved_connections()
    {
        limits.RootReserve = 1;
        await AcceptAsync(SocketListener.Open(path, 0b110_110_110, descriptors));
        Connect(3);
        await ServedAsync(3);
        Assert.All(served, service => Assert.Null(service.Connection.Interruption));
    }

    [Fact]
    public async Task Connections_beyond_the_reading_limit_wait_until_another_request_has_arrived()
    {
        (limits.MaxConnections, limits.MaxReceivingPerUid) = (100, 2);
        await AcceptAsync(SocketListener.Open(path, 0b110_110_110, descriptors));
        Connect(5);
        await ServedAsync(2);

        await thread.RunAsync(served[1].Connection.Reception!.End);
        await ServedAsync(3);
        await EndAsync(served[0]);
        await ServedAsync(4);
        await thread.RunAsync(() =>
        {
            limits.MaxReceivingPerUid = 3;
            connections!.Reevaluate();
        });
        await ServedAsync(5);
        Assert.All(served, service => Assert.Null(service.Connection.Interruption));
    }

    [Fact]
    public async Task A_connection_that_waits_unread_for_too_long_is_refused_with_the_reason()
    {
        (limits.MaxConnections, limits.MaxReceivingPerUid, limits.RequestTimeout) = (100, 1, TimeSpan.FromMilliseconds(20));
        await AcceptAsync(SocketListener.Open(path, 0b110_110_110, descriptors));
        Connect(2);
        await ServedAsync(2);
        Assert.Equal(ReplyCode.Busy, served[1].Connection.Interruption?.Code);
        Assert.Contains("Limits:MaxReceivingPerUid", served[1].Connection.Interruption!.Message);
        Assert.Null(served[0].Connection.Interruption);
    }

    [Fact]
    public async Task A_long_queue_of_connections_that_end_at_once_needs_no_deep_stack()
    {
        (limits.MaxConnections, limits.MaxReceivingPerUid, limits.MaxConnectionsPerUid) = (2000, 1, 2000);
        await AcceptAsync(SocketListener.Open(path, 0b110_110_110, descriptors));
        Connect(500);
        await ServedAsync(1);
        endsAtOnce = true;
        await EndAsync(served[0]);
        await UntilAsync(() => connections!.Count == 0);
        Assert.Equal(500, served.Count);
    }

    [Fact]
    public async Task A_caller_with_too_many_connections_is_refused_until_it_has_fewer()
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
    public async Task A_stop_serves_existing_connections_and_accepts_no_more()
    {
        await AcceptAsync(SocketListener.Open(path, 0b110_110_110, descriptors));
        await thread.RunAsync(() =>
        {
            // All in one turn of the loop, which has not accepted any of them yet.
            Connect(2);
            return StopAsync();
        });

        await ServedAsync(2);
        Assert.False(File.Exists(path));
        Assert.Throws<SocketException>(() => Connect(1));
    }

    [Fact]
    public async Task A_stop_refuses_connections_beyond_the_limit()
    {
        await AcceptAsync(SocketListener.Open(path, 0b110_110_110, descriptors));
        Connect(2);
        await ServedAsync(2);
        await thread.RunAsync(() =>
        {
            served.ForEach(service => service.Connection.Reception!.End());
            Connect(1);
            return StopAsync();
        });

        await UntilAsync(() => refused.Count == 1);
        await ServedAsync(2);
        Assert.Empty(log.Lines);
        Assert.Empty(thread.Failures);
    }

    [Fact]
    public async Task A_stop_leaves_the_queue_of_a_systemd_socket_to_the_next_daemon()
    {
        using var manager = new Socket(
            AddressFamily.Unix, System.Net.Sockets.SocketType.Stream, ProtocolType.Unspecified)
        { Blocking = false };
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
    public async Task A_failure_ends_only_its_own_connection()
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

    [Fact]
    public async Task A_refused_connection_keeps_no_place_if_half_of_all_connections_are_in_use()
    {
        (limits.MaxConnections, limits.MaxConnectionsPerUid) = (100, 51);
        await AcceptAsync(SocketListener.Open(path, 0b110_110_110, descriptors));
        Connect(51);
        await ServedAsync(51);
        Connect(1);
        await UntilAsync(() => refused.Count == 1);
        Assert.StartsWith("at once: you have 51 connections", refused[0], StringComparison.Ordinal);
        Assert.Equal(51, await thread.RunAsync(() => Task.FromResult(connections!.Count)));
    }

    Task IConnectionRefusals.RefuseAsync(Connection connection, string problem)
    {
        refused.Add(problem);
        return Task.CompletedTask;
    }

    void IConnectionRefusals.RefuseAtOnce(UntrustedSocket socket, Caller caller, string problem)
    {
        refused.Add($"at once: {problem}");
        socket.Dispose();
    }

    void IConnectionRefusals.Drop(Caller caller, string problem) => refused.Add($"dropped: {problem}");

    public async ValueTask DisposeAsync()
    {
        await thread.RunAsync(async () =>
        {
            await StopAsync();
            endsAtOnce = true;
            served.ToList().ForEach(service => service.End.TrySetResult());
        });
        thread.Dispose();
        clients.ForEach(client => client.Dispose());
        folder.Dispose();
    }

    private Task AcceptAsync(SocketListener listener) => thread.RunAsync(() =>
    {
        var configuration = new CurrentConfiguration(new DaemonOptions { Limits = limits });
        var buckets = new CallerBuckets(thread.Loop, configuration, PolicyWorld.Instance);
        connections = new Connections(
            thread.Loop, descriptors, configuration, buckets, new FairTurns(thread.Loop), ServeAsync, this, static () => { }, log);
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
        return endsAtOnce ? Task.CompletedTask : served[^1].End.Task;
    }


    private void Connect(int count)
    {
        for (int i = 0; i < count; i++)
        {
            var client = new Socket(
                AddressFamily.Unix, System.Net.Sockets.SocketType.Stream, ProtocolType.Unspecified)
            { ReceiveTimeout = 30_000 };
            clients.Add(client);
            client.Connect(new UnixDomainSocketEndPoint(path));
        }
    }

    private Task EndAsync((Connection Connection, TaskCompletionSource End) service) => thread.RunAsync(service.End.SetResult);

    /// <summary>Waits for this number, and checks that there are no more.</summary>
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
