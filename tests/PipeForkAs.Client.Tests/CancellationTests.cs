using PipeForkAs.Protocol.Client;
using PipeForkAs.Tests.Fakes;

namespace PipeForkAs.Client.Tests;

public sealed class CancellationTests
{
    [Fact(Timeout = Bound.Milliseconds)]
    public async Task Cancelling_closes_the_connection()
    {
        using CancellationTokenSource cancellation = new();
        bool closed = false;
        await using (FakeDaemon daemon = new(async connection =>
        {
            await connection.ReadRequestAsync();
            await cancellation.CancelAsync();
            await connection.ClientClosesAsync();
            closed = true;
        }))
        {
            OperationCanceledException cancelled = await Assert.ThrowsAnyAsync<OperationCanceledException>(() =>
                new PipeForkAsClient(daemon.SocketPath).RunAsync(new JobRequest("sleep"), cancellationToken: cancellation.Token));
            Assert.Equal(cancellation.Token, cancelled.CancellationToken);
        }

        Assert.True(closed);
    }

    [Fact(Timeout = Bound.Milliseconds)]
    public async Task Cancelling_closes_the_connection_while_the_input_waits_for_a_terminal()
    {
        using CancellationTokenSource cancellation = new();
        GatedStream terminal = new(Stream.Null);
        await using FakeDaemon daemon = new(async connection =>
        {
            await connection.ReadRequestAsync();
            await terminal.Entered;
            await cancellation.CancelAsync();
            await connection.ClientClosesAsync();
        });

        await Assert.ThrowsAnyAsync<OperationCanceledException>(() =>
            new PipeForkAsClient(daemon.SocketPath).RunAsync(new JobRequest("cat"), terminal, cancellationToken: cancellation.Token));
        terminal.Open();
    }

    [Fact(Timeout = Bound.Milliseconds)]
    public async Task Cancelling_closes_the_connection_even_while_an_output_blocks()
    {
        using CancellationTokenSource cancellation = new();
        GatedStream output = new(Stream.Null);
        await using FakeDaemon daemon = new(async connection =>
        {
            await connection.ReadRequestAsync();
            await connection.SendAsync(Reply.Out("x"));
            await output.Entered;
            await cancellation.CancelAsync();
            await connection.ClientClosesAsync();

            // Only now: the connection was closed while the write was blocked.
            output.Open();
        });

        await Assert.ThrowsAnyAsync<OperationCanceledException>(() =>
            new PipeForkAsClient(daemon.SocketPath).RunAsync(new JobRequest("yes"), null, output, cancellationToken: cancellation.Token));
    }

    [Fact(Timeout = Bound.Milliseconds)]
    public async Task A_request_that_is_cancelled_before_it_begins_is_not_sent()
    {
        await using FakeDaemon daemon = new(async connection => Assert.True((await connection.ReadInputAsync()).IsEmpty));

        await Assert.ThrowsAnyAsync<OperationCanceledException>(() =>
            new PipeForkAsClient(daemon.SocketPath).RunAsync(
                new JobRequest("id"), cancellationToken: new CancellationToken(canceled: true)));
    }
}
