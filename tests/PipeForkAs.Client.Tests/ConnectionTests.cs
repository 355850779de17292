using System.Globalization;
using System.Net.Sockets;

using PipeForkAs.Protocol.Client;
using PipeForkAs.Tests.Fakes;

namespace PipeForkAs.Client.Tests;

public sealed class ConnectionTests
{
    private static readonly JobRequest Id = new("id");

    [Fact(Timeout = Bound.Milliseconds)]
    public async Task Without_a_socket_the_message_says_what_to_check()
    {
        ConnectionException failure = await Assert.ThrowsAsync<ConnectionException>(
            () => new PipeForkAsClient("/nowhere/daemon.sock").RunAsync(Id));

        Assert.Equal(("/nowhere/daemon.sock", SocketError.AddressNotAvailable), (failure.SocketPath, failure.SocketError));
        Assert.Contains("/nowhere/daemon.sock", failure.Message);
        Assert.Contains("systemctl status pipeforkas", failure.Message);
    }

    [Fact(Timeout = Bound.Milliseconds)]
    public async Task A_socket_without_a_listener_refuses_the_connection()
    {
        await using FakeDaemon daemon = FakeDaemon.Replying();
        string path = daemon.PathOf("dead.sock");
        using (Socket dead = new(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified))
            dead.Bind(new UnixDomainSocketEndPoint(path));
        await File.WriteAllTextAsync(path + ".file", "");

        // .NET removes the socket's file when it closes the socket; a plain file refuses in the same way.
        ConnectionException failure = await Assert.ThrowsAsync<ConnectionException>(
            () => new PipeForkAsClient(path + ".file").RunAsync(Id));

        Assert.Equal(SocketError.ConnectionRefused, failure.SocketError);
    }

    [Fact(Timeout = Bound.Milliseconds)]
    public async Task A_path_too_long_for_a_socket_is_refused_with_the_limit()
    {
        ConnectionException failure = await Assert.ThrowsAsync<ConnectionException>(
            () => new PipeForkAsClient('/' + new string('x', 200)).RunAsync(Id));

        Assert.Contains("107", failure.Message);
    }

    [Theory(Timeout = Bound.Milliseconds)]
    [InlineData(0, "no such file")]
    [InlineData(200, "107")]
    [InlineData(5000, "107")]
    public async Task A_path_cannot_control_the_terminal_that_shows_the_message(int length, string problem)
    {
        string path = "/nowhere/\e[2J\n\u202E" + new string('x', length);

        ConnectionException failure = await Assert.ThrowsAsync<ConnectionException>(() => new PipeForkAsClient(path).RunAsync(Id));

        Assert.Equal(path, failure.SocketPath);
        Assert.Contains(@"/nowhere/\u001b[2J\n\u202e", failure.Message, StringComparison.Ordinal);
        Assert.Contains(problem, failure.Message, StringComparison.Ordinal);
        Assert.InRange(failure.Message.Length, 1, 400);
        Assert.DoesNotContain(failure.Message, letter => char.IsControl(letter) || letter == '\u202E');
    }

    [Fact(Timeout = Bound.Milliseconds)]
    public async Task The_client_waits_while_the_queue_of_connections_is_full()
    {
        TaskCompletionSource accept = new(TaskCreationOptions.RunContinuationsAsynchronously);
        await using FakeDaemon daemon = new(
            async connection =>
            {
                await connection.ReadRequestAsync();
                await connection.SendAsync(Reply.Exit(0));
            },
            backlog: 1,
            accept.Task);

        PipeForkAsClient client = new(daemon.SocketPath);
        Task<JobResult>[] requests = [.. Enumerable.Range(0, 20).Select(_ => client.RunAsync(Id))];
        accept.SetResult();

        Assert.All(await Task.WhenAll(requests), end => Assert.Equal(0, end.ExitCode));
    }

    [Fact(Timeout = Bound.Milliseconds)]
    public async Task A_daemon_with_an_unexpected_uid_gets_nothing()
    {
        byte[] heard = [1];
        TaskCompletionSource left = new(TaskCreationOptions.RunContinuationsAsynchronously);
        await using FakeDaemon daemon = new(async connection =>
        {
            if (!left.Task.IsCompleted)
            {
                heard = await connection.ReadInputToEndAsync();
                left.SetResult();
                return;
            }

            await connection.ReadRequestAsync();
            await connection.SendAsync(Reply.Exit(0));
        });
        string line = File.ReadLines("/proc/self/status").Single(line => line.StartsWith("Uid:", StringComparison.Ordinal));
        uint own = uint.Parse(line.Split('\t')[2], CultureInfo.InvariantCulture);

        UntrustedDaemonException failure = await Assert.ThrowsAsync<UntrustedDaemonException>(
            () => new PipeForkAsClient(daemon.SocketPath) { DaemonUid = own + 1 }.RunAsync(Id));
        Assert.Equal((daemon.SocketPath, own, own + 1), (failure.SocketPath, failure.Uid, failure.ExpectedUid));
        await left.Task;
        Assert.Empty(heard);

        Assert.Equal(0, (await new PipeForkAsClient(daemon.SocketPath) { DaemonUid = own }.RunAsync(Id)).ExitCode);
        Assert.Equal(0, (await new PipeForkAsClient(daemon.SocketPath) { DaemonUid = null }.RunAsync(Id)).ExitCode);
        Assert.Equal(0u, new PipeForkAsClient().DaemonUid);
    }

    [Fact(Timeout = Bound.Milliseconds)]
    public async Task An_invalid_request_is_not_sent()
    {
        PipeForkAsClient client = new("/nowhere/daemon.sock");

        await Assert.ThrowsAnyAsync<RequestException>(() => client.RunAsync(new JobRequest("no job")));
        await Assert.ThrowsAnyAsync<RequestException>(() => client.RunAsync(new JobRequest("id") { Arguments = "[]"u8.ToArray() }));
        await Assert.ThrowsAnyAsync<RequestException>(() =>
            client.RunAsync(new JobRequest("id") { Arguments = "{\"a\":1,\"a\":2}"u8.ToArray() }));
        await Assert.ThrowsAnyAsync<RequestException>(() => client.RunAsync(new JobRequest("id")
        {
            Environment = new Dictionary<string, string> { ["LARGE"] = new string('x', ClientProtocol.MaxRequestBytes) },
        }));
    }

    [Fact]
    public void The_socket_path_comes_from_the_argument_the_environment_or_the_default()
    {
        Assert.Equal(ClientProtocol.DefaultSocketPath, new PipeForkAsClient().SocketPath);
        Environment.SetEnvironmentVariable(ClientProtocol.SocketVariable, "/of/the/environment");
        try
        {
            Assert.Equal("/of/the/environment", new PipeForkAsClient().SocketPath);
            Assert.Equal("/of/the/caller", new PipeForkAsClient("/of/the/caller").SocketPath);
            Environment.SetEnvironmentVariable(ClientProtocol.SocketVariable, "");
            Assert.Equal(ClientProtocol.DefaultSocketPath, new PipeForkAsClient().SocketPath);
        }
        finally
        {
            Environment.SetEnvironmentVariable(ClientProtocol.SocketVariable, null);
        }
    }
}
