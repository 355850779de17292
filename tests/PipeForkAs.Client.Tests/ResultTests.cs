using System.Text;

using PipeForkAs.Protocol.Client;
using PipeForkAs.Tests.Fakes;

namespace PipeForkAs.Client.Tests;

public sealed class ResultTests
{
    [Fact(Timeout = Bound.Milliseconds)]
    public async Task All_members_of_the_end_record_are_properties_of_the_result()
    {
        EndRecord end = new()
        {
            Code = ReplyCode.Error,
            Exit = 3,
            Signal = 9,
            Message = "why",
            Job = "job",
            User = "alice",
            Uid = 1001,
            Pid = 4711,
            Stdout = 5,
            Stderr = 6,
            Seconds = 0.25,
            Cpu = 0.125,
            MaxResidentBytes = 4096,
            Error = new JobError("not-found", "no such file", 2),
        };
        await using FakeDaemon daemon = FakeDaemon.Replying(Reply.End(end));

        JobResult result = await new PipeForkAsClient(daemon.SocketPath).RunAsync(new JobRequest("job"));

        Assert.Equal(
            new JobResult
            {
                Code = ReplyCode.Error,
                ExitCode = 3,
                Signal = 9,
                Message = "why",
                Job = "job",
                User = "alice",
                Uid = 1001,
                Pid = 4711,
                StdoutBytes = 5,
                StderrBytes = 6,
                Duration = TimeSpan.FromMilliseconds(250),
                ProcessorTime = TimeSpan.FromMilliseconds(125),
                MaxResidentBytes = 4096,
                Error = new JobError("not-found", "no such file", 2),
            },
            result);
    }

    [Theory(Timeout = Bound.Milliseconds)]
    [InlineData("""{"code":"ok","seconds":1e300}""")]
    [InlineData("""{"code":"ok","seconds":-1e300}""")]
    [InlineData("""{"code":"ok","cpu":1e300}""")]
    public async Task An_out_of_range_time_breaks_the_protocol(string end)
    {
        await using FakeDaemon daemon = FakeDaemon.Replying(Reply.Frame(FrameType.End, Encoding.UTF8.GetBytes(end)));

        await Assert.ThrowsAsync<ProtocolViolationException>(() => new PipeForkAsClient(daemon.SocketPath).RunAsync(new JobRequest("job")));
    }

    [Fact]
    public void EnsureSuccess_returns_a_successful_result()
    {
        JobResult result = new() { Code = ReplyCode.Ok, ExitCode = 0 };
        JobOutput output = new("out"u8.ToArray(), default, result);

        Assert.True(result.IsSuccess);
        Assert.Same(result, result.EnsureSuccess());
        Assert.Same(output, output.EnsureSuccess());
    }

    [Fact]
    public void Every_other_code_is_a_failure() => Assert.All(Enum.GetValues<ReplyCode>().Except([ReplyCode.Ok]), code =>
    {
        JobResult result = new() { Code = code };
        Assert.False(result.IsSuccess);
        Assert.Equal(code, Assert.Throws<JobFailedException>(result.EnsureSuccess).Code);
        Assert.Equal(code, Assert.Throws<JobFailedException>(new JobOutput(default, default, result).EnsureSuccess).Code);
    });

    [Fact]
    public void A_failure_contains_exit_code_message_and_the_end_of_standard_error()
    {
        JobResult result = new() { Code = ReplyCode.Failed, ExitCode = 7, Job = "backup", Message = "the job exited with 7" };
        JobOutput output = new(default, "first\nno space left\n"u8.ToArray(), result);

        JobFailedException failure = Assert.Throws<JobFailedException>(output.EnsureSuccess);

        Assert.Equal((7, null, "first\nno space left\n"), (failure.ExitCode, failure.Signal, failure.StderrExcerpt));
        Assert.Equal(
            "the job backup did not succeed (failed): the job exited with 7; it wrote to standard error: no space left", failure.Message);
        Assert.Same(result, failure.Result);
    }

    [Fact]
    public void A_failure_without_captured_error_output_has_no_excerpt()
    {
        JobFailedException failure = Assert.Throws<JobFailedException>(
            new JobResult { Code = ReplyCode.Signaled, Signal = 9 }.EnsureSuccess);

        Assert.Equal((null, 9, null), (failure.ExitCode, failure.Signal, failure.StderrExcerpt));
        Assert.Equal("the job did not succeed (signaled)", failure.Message);
    }

    [Fact]
    public void Output_of_a_job_cannot_forge_a_log_line()
    {
        JobResult result = new() { Code = ReplyCode.Failed, Job = "a\nb", Message = "x\n\e[2J" };

        JobOutput output = new(default, "one\r\e]0;owned\a two"u8.ToArray(), result);
        string message = Assert.Throws<JobFailedException>(output.EnsureSuccess).Message;

        Assert.DoesNotContain(message, char.IsControl);
    }

    [Theory]
    [InlineData(4095, 4095)]
    [InlineData(4096, 4096)]
    [InlineData(1_000_000, 4096)]
    public void The_excerpt_of_standard_error_is_its_end(int written, int kept)
    {
        byte[] error = new byte[written];
        Array.Fill(error, (byte)'a');
        error[^1] = (byte)'z';

        JobOutput output = new(default, error, new() { Code = ReplyCode.Failed });
        string excerpt = Assert.Throws<JobFailedException>(output.EnsureSuccess).StderrExcerpt!;

        Assert.Equal(new string('a', kept - 1) + "z", excerpt);
    }

    [Fact]
    public void The_excerpt_does_not_begin_inside_a_character()
    {
        byte[] error = Encoding.UTF8.GetBytes("x" + string.Concat(Enumerable.Repeat("ж", 5000)));

        string excerpt = Assert.Throws<JobFailedException>(
            new JobOutput(default, error.AsMemory(0, error.Length - 1), new() { Code = ReplyCode.Failed }).EnsureSuccess).StderrExcerpt!;

        Assert.Equal('ж', excerpt[0]);
    }
}
