using System.Net.Sockets;
using System.Text;

using PipeForkAs.Protocol.Client;
using PipeForkAs.Tests.Fakes;

namespace PipeForkAs.Client.Tests;

public sealed class StreamingTests
{
    [Fact(Timeout = Bound.Milliseconds)]
    public async Task The_request_always_asks_for_frames()
    {
        Request? seen = null;
        await using FakeDaemon daemon = new(async connection =>
        {
            seen = await connection.ReadRequestAsync();
            await connection.SendAsync(Reply.Exit(0));
        });

        JobRequest request = new("echo")
        {
            User = "alice",
            Arguments = "{\n  \"text\": \"a\\nb\"\n}"u8.ToArray(),
            Environment = new Dictionary<string, string> { ["LANG"] = "C.UTF-8" },
            Timeout = TimeSpan.FromSeconds(2.5),
        };
        await new PipeForkAsClient(daemon.SocketPath).RunAsync(request);

        Assert.NotNull(seen);
        Assert.Equal(ReplyForm.Frames, seen.Reply);
        Assert.Equal(("echo", "alice", 2.5), (seen.Job, seen.User, seen.Timeout));
        Assert.Equal("C.UTF-8", seen.Environment!["LANG"]);
        Assert.Equal("""{"text":"a\nb"}""", Encoding.UTF8.GetString(seen.Arguments!));
    }

    [Fact(Timeout = Bound.Milliseconds)]
    public async Task Standard_output_and_standard_error_stay_separate_and_in_order()
    {
        await using FakeDaemon daemon = FakeDaemon.Replying(
            Reply.Out("a"), Reply.Err("1"), Reply.Out("b"), Reply.Out(""), Reply.Err("2"), Reply.Exit(3));
        MemoryStream output = new();
        MemoryStream error = new();

        JobResult end = await new PipeForkAsClient(daemon.SocketPath).RunAsync(new JobRequest("job"), null, output, error);

        Assert.Equal("ab", Encoding.UTF8.GetString(output.ToArray()));
        Assert.Equal("12", Encoding.UTF8.GetString(error.ToArray()));
        Assert.Equal((ReplyCode.Failed, 3), (end.Code, end.ExitCode));
    }

    [Theory(Timeout = Bound.Milliseconds)]
    [InlineData(false, 0)]
    [InlineData(true, 1)]
    public async Task An_output_is_flushed_only_if_something_was_written(bool writes, int flushes)
    {
        await using FakeDaemon daemon = FakeDaemon.Replying(
            [.. writes ? [Reply.Out("a")] : Array.Empty<byte[]>(), Reply.End(ReplyCode.Denied)]);
        await using CountingStream output = new();

        await new PipeForkAsClient(daemon.SocketPath).RunAsync(new JobRequest("job"), null, output, null);

        Assert.Equal(flushes, output.Flushes);
    }

    [Fact]
    public void An_invalid_request_throws_an_exception_of_the_library() =>
        Assert.IsAssignableFrom<PipeForkAsException>(Assert.ThrowsAny<RequestException>(new Request { Job = "not a name" }.ToLine));

    [Fact(Timeout = Bound.Milliseconds)]
    public async Task Without_input_the_connection_is_half_closed_at_once()
    {
        byte[]? input = null;
        await using FakeDaemon daemon = new(async connection =>
        {
            await connection.ReadRequestAsync();
            input = await connection.ReadInputToEndAsync();
            await connection.SendAsync(Reply.Exit(0));
        });

        await new PipeForkAsClient(daemon.SocketPath).RunAsync(new JobRequest("cat"));

        Assert.NotNull(input);
        Assert.Empty(input);
    }

    [Fact(Timeout = Bound.Milliseconds)]
    public async Task Large_streams_pass_in_both_directions_at_once_unchanged()
    {
        byte[] sent = Reply.Noise(96 * 1024 * 1024);
        await using FakeDaemon daemon = new(async connection =>
        {
            await connection.ReadRequestAsync();
            ReadOnlyMemory<byte> piece;
            while (!(piece = await connection.ReadInputAsync()).IsEmpty)
                await connection.SendAsync(Reply.Out(piece.ToArray()));
            await connection.SendAsync(Reply.Exit(0));
        });
        MemoryStream received = new(sent.Length);

        JobResult end = await new PipeForkAsClient(daemon.SocketPath).RunAsync(new JobRequest("cat"), new MemoryStream(sent), received);

        Assert.Equal(ReplyCode.Ok, end.Code);
        Assert.True(received.GetBuffer().AsSpan(0, (int)received.Length).SequenceEqual(sent));
    }

    [Fact(Timeout = Bound.Milliseconds)]
    public async Task The_longest_frame_is_accepted()
    {
        byte[] sent = Reply.Noise(FrameHeader.MaxLength);
        await using FakeDaemon daemon = FakeDaemon.Replying(Reply.Out(sent), Reply.Exit(0));

        JobOutput output = await new PipeForkAsClient(daemon.SocketPath).CaptureAsync(new JobRequest("job"));

        Assert.True(output.Stdout.Span.SequenceEqual(sent));
    }

    [Fact(Timeout = Bound.Milliseconds)]
    public async Task A_reader_that_does_not_read_stops_the_daemon_from_sending()
    {
        GatedStream output = new(Stream.Null);
        long accepted = 0;
        await using FakeDaemon daemon = new(async connection =>
        {
            await connection.ReadRequestAsync();
            byte[] frame = Reply.Out(new byte[1000]);
            await connection.SendAsync(frame);
            await output.Entered;

            // The client is in a write and receives nothing: the socket accepts only what fits into its buffer.
            connection.Socket.Blocking = false;
            accepted = SendUntilFull(connection.Socket, frame, out int sentOfLast);
            connection.Socket.Blocking = true;

            output.Open();
            await connection.SendAsync(frame[sentOfLast..], Reply.Exit(0));
        });

        JobResult end = await new PipeForkAsClient(daemon.SocketPath).RunAsync(new JobRequest("flood"), null, output);

        Assert.Equal(ReplyCode.Ok, end.Code);
        Assert.InRange(accepted, 1, 4 * 1024 * 1024);
    }

    [Fact(Timeout = Bound.Milliseconds)]
    public async Task A_job_that_ends_does_not_wait_for_terminal_input()
    {
        GatedStream terminal = new(Stream.Null);
        await using FakeDaemon daemon = new(async connection =>
        {
            await connection.ReadRequestAsync();
            await terminal.Entered;
            await connection.SendAsync(Reply.Out("done"), Reply.Exit(7));
        });

        MemoryStream output = new();
        JobResult end = await new PipeForkAsClient(daemon.SocketPath).RunAsync(new JobRequest("id"), terminal, output);
        terminal.Open();

        Assert.Equal(7, end.ExitCode);
        Assert.Equal("done"u8, output.ToArray());
    }

    [Fact(Timeout = Bound.Milliseconds)]
    public async Task A_job_that_ends_before_reading_all_input_loses_no_output()
    {
        byte[] written = Reply.Noise(100_000);
        await using FakeDaemon daemon = new(async connection =>
        {
            await connection.ReadRequestAsync();
            await connection.ReadInputAsync();
            await connection.SendAsync(Reply.Out(written), Reply.Exit(0));
        });
        MemoryStream output = new();

        JobResult end = await new PipeForkAsClient(daemon.SocketPath).RunAsync(
            new JobRequest("head"), new MemoryStream(new byte[32 * 1024 * 1024]), output);

        Assert.Equal(0, end.ExitCode);
        Assert.Equal(written, output.ToArray());
    }

    [Fact(Timeout = Bound.Milliseconds)]
    public async Task A_refusal_before_the_request_is_read_reaches_the_client()
    {
        await using FakeDaemon daemon = new(connection => connection.SendAsync(Reply.End(ReplyCode.Busy, message: "too many")));
        for (int i = 0; i < 100; i++)
        {
            JobResult end = await new PipeForkAsClient(daemon.SocketPath).RunAsync(
                new JobRequest("id"), new MemoryStream(new byte[1_000_000]));
            Assert.Equal((ReplyCode.Busy, "too many"), (end.Code, end.Message));
        }
    }

    [Fact(Timeout = Bound.Milliseconds)]
    public async Task The_client_receives_output_after_the_daemon_stops_reading_input()
    {
        await using FakeDaemon daemon = new(async connection =>
        {
            await connection.ReadRequestAsync();
            connection.Socket.Shutdown(SocketShutdown.Receive);
            await connection.SendAsync(Reply.Out("kept"), Reply.Exit(0));
        });
        MemoryStream output = new();

        await new PipeForkAsClient(daemon.SocketPath).RunAsync(new JobRequest("true"), new MemoryStream(new byte[8 * 1024 * 1024]), output);

        Assert.Equal("kept"u8, output.ToArray());
    }

    [Fact(Timeout = Bound.Milliseconds)]
    public async Task An_input_error_cancels_the_job_and_names_the_stream()
    {
        TaskCompletionSource closed = new(TaskCreationOptions.RunContinuationsAsynchronously);
        await using FakeDaemon daemon = new(async connection =>
        {
            await connection.ReadRequestAsync();
            await connection.ClientClosesAsync();
            closed.SetResult();
        });

        JobStreamException failure = await Assert.ThrowsAsync<JobStreamException>(() =>
            new PipeForkAsClient(daemon.SocketPath).RunAsync(new JobRequest("cat"), new BrokenStream(errno: 5)));

        Assert.Equal(JobStream.Input, failure.Stream);
        Assert.Equal(5, failure.InnerException!.HResult);
        await closed.Task;
    }

    [Theory(Timeout = Bound.Milliseconds)]
    [InlineData(JobStream.Output)]
    [InlineData(JobStream.Error)]
    public async Task An_output_error_cancels_the_job_and_names_the_stream(JobStream broken)
    {
        bool closed = false;
        await using (FakeDaemon daemon = new(async connection =>
        {
            await connection.ReadRequestAsync();
            await connection.SendAsync(broken == JobStream.Output ? Reply.Out("x") : Reply.Err("x"));
            await connection.ClientClosesAsync();
            closed = true;
        }))
        {
            BrokenStream pipe = new(errno: 32);
            JobStreamException failure = await Assert.ThrowsAsync<JobStreamException>(
                () => new PipeForkAsClient(daemon.SocketPath).RunAsync(
                new JobRequest("yes"), null, broken == JobStream.Output ? pipe : null, broken == JobStream.Error ? pipe : null));

            Assert.Equal(broken, failure.Stream);
        }

        Assert.True(closed);
    }

    [Fact(Timeout = Bound.Milliseconds)]
    public async Task Frames_are_copied_unchanged()
    {
        byte[] reply = [.. Reply.Out("a"), .. Reply.Err("b"), .. Reply.Out(""), .. Reply.Exit(9)];
        await using FakeDaemon daemon = FakeDaemon.Replying(reply[..5], reply[5..]);
        MemoryStream frames = new();

        JobResult end = await new PipeForkAsClient(daemon.SocketPath).RunFramesAsync(new JobRequest("job"), null, frames);

        Assert.Equal(9, end.ExitCode);
        Assert.Equal(reply, frames.ToArray());
    }

    private static long SendUntilFull(Socket socket, byte[] frame, out int sentOfLast)
    {
        long accepted = 0;
        sentOfLast = 0;
        while (true)
        {
            int count = socket.Send(frame.AsSpan(sentOfLast), SocketFlags.None, out SocketError error);
            if (error == SocketError.WouldBlock)
                return accepted;

            Assert.Equal(SocketError.Success, error);
            accepted += count;
            sentOfLast = (sentOfLast + count) % frame.Length;
        }
    }

    private sealed class CountingStream : MemoryStream
    {
        public int Flushes { get; private set; }

        public override Task FlushAsync(CancellationToken cancellationToken)
        {
            Flushes++;
            return Task.CompletedTask;
        }
    }
}
