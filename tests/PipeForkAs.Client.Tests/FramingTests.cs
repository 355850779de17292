using System.Text;

using PipeForkAs.Protocol.Client;
using PipeForkAs.Tests.Fakes;

namespace PipeForkAs.Client.Tests;

public sealed class FramingTests
{
    private static readonly byte[] Whole = [.. Reply.Out("out"), .. Reply.Err("err"), .. Reply.Out(""), .. Reply.Exit(4)];

    [Fact(Timeout = Bound.Milliseconds)]
    public async Task A_reply_split_at_any_byte_is_read_the_same()
    {
        for (int cut = 1; cut < Whole.Length; cut++)
        {
            JobOutput output = await CaptureAsync(Whole[..cut], Whole[cut..]);
            Assert.Equal(("out", "err", 4), (output.StdoutText, output.StderrText, output.Result.ExitCode));
        }
    }

    [Fact(Timeout = Bound.Milliseconds)]
    public async Task A_reply_that_arrives_byte_by_byte_is_read_the_same()
    {
        JobOutput output = await CaptureAsync([.. Whole.Select(one => new[] { one })]);

        Assert.Equal(("out", "err", 4), (output.StdoutText, output.StderrText, output.Result.ExitCode));
    }

    [Fact(Timeout = Bound.Milliseconds)]
    public async Task A_reply_without_an_end_frame_is_reported_as_cut_short()
    {
        for (int cut = 0; cut < Whole.Length; cut++)
        {
            ReplyCutShortException failure = await Assert.ThrowsAsync<ReplyCutShortException>(() => CaptureAsync(Whole[..cut]));
            Assert.Equal(cut, failure.Received);
        }
    }

    [Fact(Timeout = Bound.Milliseconds)]
    public async Task A_reset_before_the_end_frame_is_reported_as_cut_short()
    {
        await using FakeDaemon daemon = new(async connection =>
        {
            // Closing with unread input is a reset.
            await connection.Socket.ReceiveAsync(new byte[1]);
            await connection.SendAsync(Reply.Out("x"));
        });

        ReplyCutShortException failure = await Assert.ThrowsAsync<ReplyCutShortException>(() =>
            new PipeForkAsClient(daemon.SocketPath).RunAsync(new JobRequest("job"), new MemoryStream(new byte[100_000])));
        Assert.Equal(9, failure.Received);
    }

    [Fact(Timeout = Bound.Milliseconds)]
    public async Task Bytes_after_the_end_frame_break_the_protocol_at_any_time()
    {
        await ViolatesAsync(Whole.Length, [.. Whole, 0]);
        await ViolatesAsync(Whole.Length, Whole, [0]);
    }

    [Fact(Timeout = Bound.Milliseconds)]
    public Task A_second_end_frame_breaks_the_protocol() => ViolatesAsync(Whole.Length, [.. Whole, .. Reply.Exit(0)]);

    [Fact(Timeout = Bound.Milliseconds)]
    public async Task Every_unknown_frame_type_breaks_the_protocol_at_its_header()
    {
        foreach (byte type in Enumerable.Range(0, 256).Select(number => (byte)number).Except([(byte)1, (byte)2, (byte)16]))
            await ViolatesAsync(11, [.. Reply.Out("out"), type, 0, 0, 0, 0, 0, 0, 0]);
    }

    [Theory(Timeout = Bound.Milliseconds)]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    public Task Nonzero_reserved_bytes_in_a_header_break_the_protocol(int place)
    {
        byte[] header = Reply.Out("out");
        header[place] = 1;
        return ViolatesAsync(0, header);
    }

    [Fact(Timeout = Bound.Milliseconds)]
    public async Task A_length_over_the_limit_breaks_the_protocol()
    {
        await ViolatesAsync(0, [1, 0, 0, 0, 1, 0, 0, 1]);
        await ViolatesAsync(0, [1, 0, 0, 0, 0xff, 0xff, 0xff, 0xff]);
    }

    [Theory(Timeout = Bound.Milliseconds)]
    [InlineData("")]
    [InlineData("null")]
    [InlineData("[]")]
    [InlineData("{")]
    [InlineData("{}")]
    [InlineData("{\"code\":\"fine\"}")]
    [InlineData("{\"code\":99}")]
    [InlineData("{\"code\":\"failed\",\"exit\":256}")]
    [InlineData("{\"code\":\"failed\",\"exit\":-1}")]
    [InlineData("{\"code\":\"signaled\",\"signal\":0}")]
    [InlineData("{\"code\":\"signaled\",\"signal\":65}")]
    [InlineData("{\"code\":\"ok\",\"message\":\"\u00ff\"}", true)]
    public Task An_invalid_end_record_breaks_the_protocol(string json, bool latin1 = false) =>
        ViolatesAsync(8, Reply.Frame(FrameType.End, (latin1 ? Encoding.Latin1 : Encoding.UTF8).GetBytes(json)));

    [Fact(Timeout = Bound.Milliseconds)]
    public async Task The_problem_of_an_end_record_is_reported_on_one_line()
    {
        byte[] end = Reply.Frame(FrameType.End, "{\"code\":\"ok\",\"a\\u001b\\n\":x}"u8.ToArray());
        ProtocolViolationException failure = await Assert.ThrowsAsync<ProtocolViolationException>(() => CaptureAsync(end));
        Assert.DoesNotContain(failure.Message, char.IsControl);
    }

    [Fact(Timeout = Bound.Milliseconds)]
    public async Task An_unknown_member_is_ignored()
    {
        JobOutput output = await CaptureAsync(Reply.Frame(FrameType.End, "{\"code\":\"ok\",\"exit\":0,\"new\":[1]}"u8.ToArray()));

        Assert.Equal(ReplyCode.Ok, output.Result.Code);
    }

    [Fact(Timeout = Bound.Milliseconds)]
    public async Task The_client_does_not_wait_for_the_connection_to_close_after_the_end_frame()
    {
        TaskCompletionSource done = new(TaskCreationOptions.RunContinuationsAsynchronously);
        await using FakeDaemon daemon = new(async connection =>
        {
            await connection.ReadRequestAsync();
            await connection.SendAsync(Reply.Exit(0));
            await done.Task;
        });

        JobResult end = await new PipeForkAsClient(daemon.SocketPath).RunAsync(new JobRequest("job"));
        done.SetResult();

        Assert.Equal(0, end.ExitCode);
    }

    private static async Task<JobOutput> CaptureAsync(params byte[][] pieces)
    {
        await using FakeDaemon daemon = FakeDaemon.Replying(pieces);
        return await new PipeForkAsClient(daemon.SocketPath).CaptureAsync(new JobRequest("job"));
    }

    private static async Task ViolatesAsync(long position, params byte[][] pieces)
    {
        ProtocolViolationException failure = await Assert.ThrowsAsync<ProtocolViolationException>(() => CaptureAsync(pieces));
        Assert.Equal(position, failure.Position);
    }
}
