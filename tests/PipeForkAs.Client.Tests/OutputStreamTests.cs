using System.Net.Sockets;
using System.Text;

using PipeForkAs.Tests.Fakes;

namespace PipeForkAs.Client.Tests;

public sealed class OutputStreamTests
{
    private static readonly JobRequest Job = new("job");

    [Fact(Timeout = Bound.Milliseconds)]
    public async Task Output_is_read_while_the_job_runs()
    {
        TaskCompletionSource read = new(TaskCreationOptions.RunContinuationsAsynchronously);
        await using FakeDaemon daemon = new(async connection =>
        {
            await connection.ReadRequestAsync();
            await connection.SendAsync(Reply.Out("first"));
            await read.Task;
            await connection.SendAsync(Reply.Err("not this"), Reply.Out("second"), Reply.Exit(0));
        });

        await using Stream output = await new PipeForkAsClient(daemon.SocketPath).OpenReadAsync(Job);
        byte[] buffer = new byte[100];
        Assert.Equal(5, await output.ReadAsync(buffer));
        read.SetResult();

        using StreamReader rest = new(output);
        Assert.Equal("second", await rest.ReadToEndAsync());
    }

    [Theory(Timeout = Bound.Milliseconds)]
    [InlineData(1)]
    [InlineData(777)]
    [InlineData(1_000_000)]
    public async Task Each_byte_arrives_once_and_in_order_for_any_read_size(int size)
    {
        byte[] sent = Reply.Noise(size == 1 ? 20_000 : 3_000_000);
        await using FakeDaemon daemon = FakeDaemon.Replying(
            Reply.Out(sent[..10_000]), Reply.Err("x"), Reply.Out(sent[10_000..]), Reply.Exit(0));

        await using Stream output = await new PipeForkAsClient(daemon.SocketPath).OpenReadAsync(Job);
        MemoryStream received = new();
        await output.CopyToAsync(received, size);

        Assert.True(received.ToArray().AsSpan().SequenceEqual(sent));
        Assert.Equal(0, await output.ReadAsync(new byte[1]));
    }

    [Fact(Timeout = Bound.Milliseconds)]
    public async Task Synchronous_reads_return_the_same_bytes()
    {
        byte[] sent = Reply.Noise(500_000);
        await using FakeDaemon daemon = FakeDaemon.Replying(Reply.Out(sent), Reply.Exit(0));

        await using Stream output = await new PipeForkAsClient(daemon.SocketPath).OpenReadAsync(Job);
        MemoryStream received = new();
        await Task.Run(() => output.CopyTo(received));

        Assert.True(received.ToArray().AsSpan().SequenceEqual(sent));
    }

    [Fact(Timeout = Bound.Milliseconds)]
    public async Task A_failed_job_throws_at_the_end_of_the_output_and_at_each_read_after_it()
    {
        await using FakeDaemon daemon = FakeDaemon.Replying(Reply.Out("all"), Reply.Err("why\n"), Reply.Exit(4));

        await using Stream output = await new PipeForkAsClient(daemon.SocketPath).OpenReadAsync(Job);
        byte[] buffer = new byte[100];
        Assert.Equal(3, await output.ReadAsync(buffer));
        for (int i = 0; i < 2; i++)
        {
            JobFailedException failure = await Assert.ThrowsAsync<JobFailedException>(async () => await output.ReadExactlyAsync(buffer));
            Assert.Equal((4, "why\n"), (failure.ExitCode, failure.StderrExcerpt));
        }
    }

    [Fact(Timeout = Bound.Milliseconds)]
    public async Task A_denied_request_throws_at_the_first_read()
    {
        await using FakeDaemon daemon = FakeDaemon.Replying(Reply.End(ReplyCode.Denied));

        await using Stream output = await new PipeForkAsClient(daemon.SocketPath).OpenReadAsync(Job);

        JobFailedException failure = await Assert.ThrowsAsync<JobFailedException>(async () => await output.ReadExactlyAsync(new byte[1]));
        Assert.Equal(ReplyCode.Denied, failure.Code);
    }

    [Fact(Timeout = Bound.Milliseconds)]
    public async Task A_truncated_reply_is_not_the_end_of_the_stream()
    {
        await using FakeDaemon daemon = FakeDaemon.Replying(Reply.Out("half"));

        await using Stream output = await new PipeForkAsClient(daemon.SocketPath).OpenReadAsync(Job);

        await Assert.ThrowsAsync<ReplyCutShortException>(() => output.CopyToAsync(Stream.Null));
    }

    [Fact(Timeout = Bound.Milliseconds)]
    public async Task Without_a_daemon_there_is_no_stream() =>
        await Assert.ThrowsAsync<ConnectionException>(() => new PipeForkAsClient("/nowhere/daemon.sock").OpenReadAsync(Job));

    [Theory(Timeout = Bound.Milliseconds)]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Disposing_the_stream_cancels_the_job(bool asynchronously)
    {
        TaskCompletionSource closed = new(TaskCreationOptions.RunContinuationsAsynchronously);
        await using FakeDaemon daemon = new(async connection =>
        {
            await connection.ReadRequestAsync();
            await connection.ClientClosesAsync();
            closed.SetResult();
        });

        Stream output = await new PipeForkAsClient(daemon.SocketPath).OpenReadAsync(Job);
        Assert.Equal(1, await output.ReadAsync(new byte[1]));
        if (asynchronously)
            await output.DisposeAsync();
        else
            await Task.Run(output.Dispose);

        await closed.Task;
        await output.DisposeAsync();
        Assert.False(output.CanRead);
        await Assert.ThrowsAsync<ObjectDisposedException>(async () => await output.ReadExactlyAsync(new byte[1]));
    }

    [Fact(Timeout = Bound.Milliseconds)]
    public async Task The_token_of_the_call_cancels_the_job_while_the_stream_is_read()
    {
        using CancellationTokenSource cancellation = new();
        TaskCompletionSource closed = new(TaskCreationOptions.RunContinuationsAsynchronously);
        await using FakeDaemon daemon = new(async connection =>
        {
            await connection.ReadRequestAsync();
            await connection.SendAsync(Reply.Out("x"));
            await cancellation.CancelAsync();
            await connection.ClientClosesAsync();
            closed.SetResult();
        });

        await using Stream output = await new PipeForkAsClient(daemon.SocketPath).OpenReadAsync(Job, cancellationToken: cancellation.Token);

        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => output.CopyToAsync(Stream.Null));
        await closed.Task;
    }

    [Fact(Timeout = Bound.Milliseconds)]
    public async Task The_token_of_a_read_cancels_only_that_read()
    {
        TaskCompletionSource cancelled = new(TaskCreationOptions.RunContinuationsAsynchronously);
        await using FakeDaemon daemon = new(async connection =>
        {
            await connection.ReadRequestAsync();
            await cancelled.Task;
            await connection.SendAsync(Reply.Out("later"), Reply.Exit(0));
        });

        await using Stream output = await new PipeForkAsClient(daemon.SocketPath).OpenReadAsync(Job);
        using CancellationTokenSource cancellation = new();
        ValueTask<int> read = output.ReadAsync(new byte[1], cancellation.Token);
        await cancellation.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(async () => await read);
        cancelled.SetResult();

        using StreamReader rest = new(output);
        Assert.Equal("later", await rest.ReadToEndAsync());
    }

    [Fact(Timeout = Bound.Milliseconds)]
    public async Task A_reader_that_does_not_read_stops_the_daemon_from_sending()
    {
        TaskCompletionSource<long> accepted = new(TaskCreationOptions.RunContinuationsAsynchronously);
        await using FakeDaemon daemon = new(async connection =>
        {
            await connection.ReadRequestAsync();
            byte[] frame = Reply.Out(new byte[1000]);
            long sent = 0;
            int rest;
            while ((rest = await SendWithinAsync(connection.Socket, frame)) == 0)
                sent += frame.Length;
            accepted.SetResult(sent);
            await connection.SendAsync(frame[^rest..], Reply.Exit(0));
        });

        await using Stream output = await new PipeForkAsClient(daemon.SocketPath).OpenReadAsync(Job);

        // Nothing was read yet: the daemon could only send what fits into the socket and one buffer.
        Assert.InRange(await accepted.Task, 1, 4 * 1024 * 1024);
        await output.CopyToAsync(Stream.Null);
    }

    [Fact(Timeout = Bound.Milliseconds)]
    public async Task Input_goes_to_the_job_while_its_output_is_read()
    {
        await using FakeDaemon daemon = new(async connection =>
        {
            await connection.ReadRequestAsync();
            await connection.SendAsync(Reply.Out(await connection.ReadInputToEndAsync()), Reply.Exit(0));
        });

        await using Stream output = await new PipeForkAsClient(daemon.SocketPath).OpenReadAsync(Job, new MemoryStream("in"u8.ToArray()));

        using StreamReader reader = new(output);
        Assert.Equal("in", await reader.ReadToEndAsync());
    }

    [Fact(Timeout = Bound.Milliseconds)]
    public async Task Standard_error_goes_to_the_stream_of_the_caller()
    {
        await using FakeDaemon daemon = FakeDaemon.Replying(Reply.Err("one"), Reply.Out("x"), Reply.Err("two"), Reply.Exit(1));
        MemoryStream error = new();

        await using Stream output = await new PipeForkAsClient(daemon.SocketPath).OpenReadAsync(Job, error: error);
        JobFailedException failure = await Assert.ThrowsAsync<JobFailedException>(() => output.CopyToAsync(Stream.Null));

        Assert.Null(failure.StderrExcerpt);
        Assert.Equal("onetwo", Encoding.UTF8.GetString(error.ToArray()));
    }

    [Fact(Timeout = Bound.Milliseconds)]
    public async Task An_input_that_fails_cancels_the_job_and_the_reads_say_so()
    {
        await using FakeDaemon daemon = new(async connection =>
        {
            await connection.ReadRequestAsync();
            await connection.ClientClosesAsync();
        });

        await using Stream output = await new PipeForkAsClient(daemon.SocketPath).OpenReadAsync(Job, new BrokenStream(errno: 5));

        Assert.Equal(JobStream.Input, (await Assert.ThrowsAsync<JobStreamException>(() => output.CopyToAsync(Stream.Null))).Stream);
    }

    [Fact(Timeout = Bound.Milliseconds)]
    public async Task The_output_stream_is_read_only()
    {
        await using FakeDaemon daemon = FakeDaemon.Replying(Reply.Exit(0));
        await using Stream output = await new PipeForkAsClient(daemon.SocketPath).OpenReadAsync(Job);

        Assert.Equal((true, false, false), (output.CanRead, output.CanWrite, output.CanSeek));
        Assert.Throws<NotSupportedException>(() => output.Write([1], 0, 1));
        Assert.Throws<NotSupportedException>(() => output.Length);
        Assert.Throws<NotSupportedException>(() => output.Seek(0, SeekOrigin.Begin));
        Assert.Equal(0, await output.ReadAsync(Memory<byte>.Empty));
    }

    /// <summary>Sends a frame, gives the client time to read, and returns how many bytes the socket did not accept.</summary>
    private static async Task<int> SendWithinAsync(Socket socket, byte[] frame)
    {
        int sent = 0;
        for (int tries = 0; sent < frame.Length && tries < 20; tries++)
        {
            socket.Blocking = false;
            sent += Math.Max(0, socket.Send(frame.AsSpan(sent), SocketFlags.None, out SocketError error));
            Assert.True(error is SocketError.Success or SocketError.WouldBlock, $"{error}");
            socket.Blocking = true;
            if (sent < frame.Length)
                await Task.Delay(10);
        }

        return frame.Length - sent;
    }
}
