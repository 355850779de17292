using System.Text;

using PipeForkAs.Tests.Fakes;

namespace PipeForkAs.Client.Tests;

public sealed class LineTests
{
    private static readonly JobRequest Job = new("job");

    [Theory(Timeout = Bound.Milliseconds)]
    [InlineData("", new string[0])]
    [InlineData("\n", new[] { "" })]
    [InlineData("a", new[] { "a" })]
    [InlineData("a\n", new[] { "a" })]
    [InlineData("a\r\nb\n\nc", new[] { "a", "b", "", "c" })]
    [InlineData("a\rb\n", new[] { "a\rb" })]
    [InlineData("a\r", new[] { "a\r" })]
    [InlineData("жä😀\nß", new[] { "жä😀", "ß" })]
    public async Task Lines_are_the_same_however_the_output_is_split(string output, string[] lines)
    {
        byte[] bytes = Encoding.UTF8.GetBytes(output);
        Assert.Equal(lines, await LinesAsync([.. bytes.Select(one => Reply.Out([one])), Reply.Exit(0)]));
        Assert.Equal(lines, await LinesAsync(Reply.Out(bytes), Reply.Exit(0)));
    }

    [Fact(Timeout = Bound.Milliseconds)]
    public async Task Long_lines_and_many_lines_arrive_complete()
    {
        string[] sent = [.. Enumerable.Range(0, 2000).Select(number => new string((char)('a' + (number % 26)), number * 7 % 9000))];
        byte[] output = Encoding.UTF8.GetBytes(string.Join('\n', sent) + "\n");

        Assert.Equal(sent, await LinesAsync(Reply.Out(output), Reply.Exit(0)));
    }

    [Fact(Timeout = Bound.Milliseconds)]
    public async Task Bytes_that_are_not_utf_8_become_replacement_characters() =>
        Assert.Equal(["a\uFFFDb"], await LinesAsync(Reply.Out([(byte)'a', 0xFF, (byte)'b', (byte)'\n']), Reply.Exit(0)));

    [Fact(Timeout = Bound.Milliseconds)]
    public async Task A_line_arrives_while_the_job_runs_and_leaving_the_loop_cancels_the_job()
    {
        TaskCompletionSource closed = new(TaskCreationOptions.RunContinuationsAsynchronously);
        await using FakeDaemon daemon = new(async connection =>
        {
            await connection.ReadRequestAsync();
            await connection.SendAsync(Reply.Out("one\ntw"));
            await connection.ClientClosesAsync();
            closed.SetResult();
        });

        await foreach (string line in new PipeForkAsClient(daemon.SocketPath).ReadLinesAsync(Job))
        {
            Assert.Equal("one", line);
            break;
        }

        await closed.Task;
    }

    [Fact(Timeout = Bound.Milliseconds)]
    public async Task A_failed_job_throws_after_its_last_line()
    {
        await using FakeDaemon daemon = FakeDaemon.Replying(Reply.Out("one\ntwo"), Reply.Err("why"), Reply.Exit(9));
        List<string> lines = [];

        JobFailedException failure = await Assert.ThrowsAsync<JobFailedException>(async () =>
        {
            await foreach (string line in new PipeForkAsClient(daemon.SocketPath).ReadLinesAsync(Job))
                lines.Add(line);
        });

        // The text after the last line end may be a partial line.
        Assert.Equal(["one"], lines);
        Assert.Equal((9, "why"), (failure.ExitCode, failure.StderrExcerpt));
    }

    [Fact(Timeout = Bound.Milliseconds)]
    public async Task A_line_without_an_end_is_kept_up_to_the_limit()
    {
        Assert.Equal(["12345", "1234"], await LinesAsync(5, Reply.Out("12345\n1234"), Reply.Exit(0)));
        OutputTooLargeException failure = await Assert.ThrowsAsync<OutputTooLargeException>(() =>
            LinesAsync(5, Reply.Out("123456\n"), Reply.Exit(0)));
        Assert.Equal((JobStream.Output, 5), (failure.Stream, failure.Limit));
        await Assert.ThrowsAsync<OutputTooLargeException>(() => LinesAsync(5000, Reply.Out(new byte[2_000_000]), Reply.Exit(0)));
        Assert.Throws<ArgumentOutOfRangeException>(() => new PipeForkAsClient().ReadLinesAsync(Job, maxLineBytes: 0));
    }

    [Fact(Timeout = Bound.Milliseconds)]
    public async Task The_token_of_the_loop_cancels_the_job()
    {
        using CancellationTokenSource cancellation = new();
        await using FakeDaemon daemon = new(async connection =>
        {
            await connection.ReadRequestAsync();
            await cancellation.CancelAsync();
            await connection.ClientClosesAsync();
        });

        await Assert.ThrowsAnyAsync<OperationCanceledException>(async () =>
        {
            await foreach (string line in new PipeForkAsClient(daemon.SocketPath).ReadLinesAsync(Job).WithCancellation(cancellation.Token))
                Assert.Fail(line);
        });
    }

    private static Task<List<string>> LinesAsync(params byte[][] pieces) => LinesAsync(PipeForkAsClient.DefaultCaptureBytes, pieces);

    private static async Task<List<string>> LinesAsync(int limit, params byte[][] pieces)
    {
        await using FakeDaemon daemon = FakeDaemon.Replying(pieces);
        List<string> lines = [];
        await foreach (string line in new PipeForkAsClient(daemon.SocketPath).ReadLinesAsync(Job, maxLineBytes: limit))
            lines.Add(line);
        return lines;
    }
}
