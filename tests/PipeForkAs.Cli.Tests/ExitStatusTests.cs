using System.IO.Pipes;

using Microsoft.Win32.SafeHandles;

using PipeForkAs.Protocol.Client;
using PipeForkAs.Tests.Fakes;

namespace PipeForkAs.Cli.Tests;

public sealed class ExitStatusTests
{
    [Fact(Timeout = Bound.Milliseconds)]
    public async Task Every_exit_code_of_a_job_passes_through_without_a_message()
    {
        await using FakeDaemon daemon = Counting(number => Reply.Exit(number), from: 0);
        for (int code = 0; code <= 255; code++)
        {
            Invocation run = await Invocation.RunAsync(daemon.SocketPath, ["run", "exit"]);
            Assert.Equal((code, ""), (run.Status, run.Error));
        }
    }

    [Fact(Timeout = Bound.Milliseconds)]
    public async Task Every_signal_becomes_128_plus_its_number()
    {
        await using FakeDaemon daemon = Counting(
            number => Reply.End(ReplyCode.Signaled, signal: number, message: "signal " + number), from: 1);
        for (int signal = 1; signal <= 64; signal++)
        {
            Invocation run = await Invocation.RunAsync(daemon.SocketPath, ["run", "die"]);
            Assert.Equal((128 + signal, $"pipeforkas: signaled: signal {signal}\n"), (run.Status, run.Error));
        }
    }

    [Theory(Timeout = Bound.Milliseconds)]
    [InlineData("error", 1)]
    [InlineData("timeout", 124)]
    [InlineData("cancelled", 130)]
    [InlineData("output-limit", 125)]
    [InlineData("bad-request", 125)]
    [InlineData("too-large", 125)]
    [InlineData("unknown-job", 127)]
    [InlineData("unknown-user", 125)]
    [InlineData("bad-args", 125)]
    [InlineData("denied", 126)]
    [InlineData("busy", 125)]
    [InlineData("host-lost", 125)]
    [InlineData("shutting-down", 125)]
    [InlineData("internal", 125)]
    [InlineData("failed", 125)]
    [InlineData("signaled", 137)]
    [InlineData("ok", 0)]
    public async Task Every_reply_code_has_an_exit_status_and_a_message(string code, int status)
    {
        string signal = code == "signaled" ? "\"signal\":9," : "";
        byte[] end = System.Text.Encoding.UTF8.GetBytes($$"""{"code":"{{code}}",{{signal}}"message":"what happened"}""");
        await using FakeDaemon daemon = FakeDaemon.Replying(Reply.Frame(FrameType.End, end));

        Invocation run = await Invocation.RunAsync(daemon.SocketPath, ["run", "job"]);

        Assert.Equal(status, run.Status);
        Assert.Equal(code is "ok" or "failed" ? "" : $"pipeforkas: {code}: what happened\n", run.Error);
    }

    [Fact]
    public void These_tests_cover_every_reply_code()
    {
        string[] tested = [.. typeof(ExitStatusTests).GetMethod(nameof(Every_reply_code_has_an_exit_status_and_a_message))!
            .GetCustomAttributes(typeof(InlineDataAttribute), inherit: false).Cast<InlineDataAttribute>().Select(
                data => (string)data.Data[0]!)];

        Assert.Equal(Enum.GetValues<ReplyCode>().Select(code => code.ToWire()).Order(), tested.Order());
    }

    [Fact(Timeout = Bound.Milliseconds)]
    public async Task An_exception_of_the_function_is_shown_with_its_type()
    {
        await using FakeDaemon daemon = FakeDaemon.Replying(Reply.End(
            ReplyCode.Error, message: "the function threw", error: new JobError("System.IO.IOException", "disk full")));

        Invocation run = await Invocation.RunAsync(daemon.SocketPath, ["run", "job"]);

        Assert.Equal((1, "pipeforkas: error: System.IO.IOException: disk full\n"), (run.Status, run.Error));
    }

    [Fact(Timeout = Bound.Milliseconds)]
    public async Task A_program_that_cannot_be_executed_exits_with_125_and_the_message_of_the_daemon()
    {
        await using FakeDaemon daemon = FakeDaemon.Replying(Reply.End(
            ReplyCode.Error, exit: 1, message: "the program \"/x\" cannot be executed",
            error: new JobError("execve", "execve(\"/x\")", 2)));

        Invocation run = await Invocation.RunAsync(daemon.SocketPath, ["run", "job"]);

        Assert.Equal((125, "pipeforkas: error: the program \"/x\" cannot be executed\n"), (run.Status, run.Error));
    }

    [Fact(Timeout = Bound.Milliseconds)]
    public async Task A_truncated_or_invalid_reply_exits_with_125()
    {
        await using FakeDaemon cut = FakeDaemon.Replying(Reply.Out("half"));
        await using FakeDaemon garbled = FakeDaemon.Replying("HTTP/1.1 400 Bad Request\r\n"u8.ToArray());

        Invocation ofCut = await Invocation.RunAsync(cut.SocketPath, ["run", "job"]);
        Invocation ofGarbled = await Invocation.RunAsync(garbled.SocketPath, ["run", "job"]);

        Assert.Equal((125, "half"), (ofCut.Status, ofCut.OutputText));
        Assert.Contains("cut short", ofCut.Error);
        Assert.Equal(125, ofGarbled.Status);
        Assert.Contains("breaks the protocol", ofGarbled.Error);
    }

    [Fact(Timeout = Bound.Milliseconds)]
    public async Task Without_a_daemon_the_command_exits_with_125_and_advice()
    {
        Invocation run = await Invocation.RunAsync("/nowhere/daemon.sock", ["run", "job"]);

        Assert.Equal(125, run.Status);
        Assert.Contains("systemctl status pipeforkas", run.Error);
    }

    [Fact(Timeout = Bound.Milliseconds)]
    public async Task A_closed_output_ends_the_command_silently_as_SIGPIPE_does()
    {
        await using FakeDaemon daemon = new(async connection =>
        {
            await connection.ReadRequestAsync();
            await connection.SendAsync(Reply.Out("y\n"));
            await connection.ClientClosesAsync();
        });

        using AnonymousPipeServerStream pipe = new(PipeDirection.In);
        using SafeFileHandle output = new(pipe.ClientSafePipeHandle.DangerousGetHandle(), ownsHandle: false);
        pipe.SafePipeHandle.Dispose();
        Invocation run = await Invocation.RunAsync(daemon.SocketPath, ["run", "yes"], output);

        Assert.Equal((141, ""), (run.Status, run.Error));
    }

    [Fact(Timeout = Bound.Milliseconds)]
    public async Task A_full_output_exits_with_125_and_a_message()
    {
        await using FakeDaemon daemon = FakeDaemon.Replying(Reply.Out("y\n"), Reply.Exit(0));

        using SafeFileHandle full = File.OpenHandle("/dev/full", FileMode.Open, FileAccess.Write);
        Invocation run = await Invocation.RunAsync(daemon.SocketPath, ["run", "yes"], full);

        Assert.Equal(
            (125, "pipeforkas: cannot write the job's standard output: No space left on device\n"), (run.Status, run.Error));
    }

    private static FakeDaemon Counting(Func<int, byte[]> reply, int from)
    {
        int next = from;
        return new FakeDaemon(async connection =>
        {
            await connection.ReadRequestAsync();
            await connection.SendAsync(reply(next++));
        });
    }
}
