using System.Globalization;
using System.Text.Json.Nodes;
using PipeForkAs.EndToEnd.Harness;
using PipeForkAs.Protocol.Client;

namespace PipeForkAs.EndToEnd;

/// <summary>A daemon with commands that end as their arguments say.</summary>
public sealed class EndingDaemon : ConfiguredDaemon
{
    protected override void Configure(JsonObject configuration)
    {
        configuration["Commands"]!["sh-exit"] = Command(["/bin/sh", "-c", "exit $1", "sh", "{code}"], "code:integer");
        configuration["Commands"]!["sh-kill"] = Command(
            ["/bin/sh", "-c", "kill -$1 $$; sleep 2; echo survived", "sh", "{number}"], "number:integer");
    }
}

/// <summary>Tests that the reply reports exactly how a function or a command ended.</summary>
public sealed class ExitTests(EndingDaemon shared) : IClassFixture<EndingDaemon>
{
    private const int AtOnce = 8;

    /// <summary>SIGCHLD, SIGCONT, SIGURG and SIGWINCH terminate nothing, SIGSTOP, SIGTSTP, SIGTTIN and SIGTTOU stop; signal(7).</summary>
    private static readonly int[] NotDeadly = [17, 18, 23, 28, 19, 20, 21, 22];

    private readonly DaemonProcess daemon = shared.Daemon;
    private readonly PipeForkAsClient client = new(shared.Daemon.Socket);

    [Fact(Timeout = Bound.Test)]
    public Task Each_of_256_exit_codes_of_a_function_is_returned() => ForAllAsync(Enumerable.Range(0, 256), async code =>
        Expect(code, await RunAsync("exit", new JsonObject { ["code"] = code })));

    [Fact(Timeout = Bound.Test)]
    public Task Each_of_256_exit_codes_of_a_command_is_returned() => ForAllAsync(Enumerable.Range(0, 256), async code =>
        Expect(code, await RunAsync("sh-exit", new JsonObject { ["code"] = code })));

    /// <summary>libc keeps the signals 32 and 33 for its threads, and does not let programs change them.</summary>
    [Fact(Timeout = Bound.Test)]
    public Task Each_terminating_signal_of_a_function_is_returned() =>
        ForAllAsync(Enumerable.Range(1, 64).Except(NotDeadly).Except([32, 33]), async number =>
        ExpectSignal(number, await RunAsync("signal", new JsonObject { ["number"] = number })));

    [Fact(Timeout = Bound.Test)]
    public Task Each_terminating_signal_of_a_command_is_returned() => ForAllAsync(Enumerable.Range(1, 64).Except(NotDeadly), async number =>
        ExpectSignal(number, await RunAsync("sh-kill", new JsonObject { ["number"] = number })));

    [Fact(Timeout = Bound.Test)]
    public Task A_signal_that_does_not_terminate_the_job_is_not_reported_as_its_end() => ForAllAsync([17, 18, 23, 28], async number =>
    {
        JobOutput output = await RunAsync("signal", new JsonObject { ["number"] = number });
        Assert.Equal((ReplyCode.Ok, "survived\n"), (output.Result.Code, output.StdoutText));
        output = await RunAsync("sh-kill", new JsonObject { ["number"] = number });
        Assert.Equal((ReplyCode.Ok, "survived\n"), (output.Result.Code, output.StdoutText));
    });

    [Theory(Timeout = Bound.Test)]
    [InlineData(256)]
    [InlineData(-1)]
    [InlineData(int.MinValue)]
    [InlineData(512)]
    public async Task An_exit_code_that_no_process_can_have_is_never_a_success(int code)
    {
        JobOutput output = await RunAsync("exit", new JsonObject { ["code"] = code });

        Assert.NotEqual(ReplyCode.Ok, output.Result.Code);
        Assert.NotEqual(0, output.Result.ExitCode);
    }

    [Theory(Timeout = Bound.Test)]
    [InlineData("exit", "code", 0, 0)]
    [InlineData("exit", "code", 1, 1)]
    [InlineData("exit", "code", 42, 42)]
    [InlineData("exit", "code", 124, 124)]
    [InlineData("exit", "code", 255, 255)]
    [InlineData("sh-exit", "code", 3, 3)]
    [InlineData("sh-exit", "code", 130, 130)]
    [InlineData("signal", "number", 1, 129)]
    [InlineData("signal", "number", 9, 137)]
    [InlineData("signal", "number", 11, 139)]
    [InlineData("signal", "number", 64, 192)]
    [InlineData("sh-kill", "number", 6, 134)]
    [InlineData("sh-kill", "number", 15, 143)]
    [InlineData("sh-kill", "number", 34, 162)]
    public async Task The_command_exits_as_the_job_did(string job, string argument, int value, int status)
    {
        ToolResult result = await Tool.RunAsAsync(
            TestUsers.Alice,
            [NativeBuild.Command, "--socket", daemon.Socket, "run", job,
                string.Create(CultureInfo.InvariantCulture, $"{argument}={value}")]);

        Assert.Equal((status, ""), (result.ExitCode, result.Text));
    }

    [Fact(Timeout = Bound.Test)]
    public async Task Only_a_failed_job_adds_a_last_line_to_a_text_reply()
    {
        Assert.Equal("", await TextAsync("exit", """{"code":0}"""));
        Assert.Equal("pipeforkas: failed: the job exited with 7\n", await TextAsync("exit", """{"code":7}"""));
        Assert.Equal("pipeforkas: signaled: SIGKILL terminated the job\n", await TextAsync("signal", """{"number":9}"""));
    }

    [Fact(Timeout = Bound.Test)]
    public async Task A_stack_overflow_is_a_signal_and_the_next_job_works()
    {
        JobOutput output = await RunAsync("overflow", null);
        Assert.Equal(ReplyCode.Signaled, output.Result.Code);
        Assert.Contains(output.Result.Signal, (int?[])[6, 11]);

        Expect(0, await RunAsync("exit", new JsonObject { ["code"] = 0 }));
    }

    private static void Expect(int code, JobOutput output) => Assert.Equal(
        (code == 0 ? ReplyCode.Ok : ReplyCode.Failed, code, null), (output.Result.Code, output.Result.ExitCode, output.Result.Signal));

    private static void ExpectSignal(int number, JobOutput output) => Assert.Equal(
        (ReplyCode.Signaled, null, number), (output.Result.Code, output.Result.ExitCode, output.Result.Signal));

    private static Task ForAllAsync(IEnumerable<int> values, Func<int, Task> check) =>
        Parallel.ForEachAsync(values, new ParallelOptions { MaxDegreeOfParallelism = AtOnce }, async (value, _) => await check(value));

    private Task<string> TextAsync(string job, string arguments) =>
        RawClient.TextAsync(daemon, $$"""{"job":"{{job}}","user":"{{TestUsers.Alice}}","args":{{arguments}} }""");

    private Task<JobOutput> RunAsync(string job, JsonObject? arguments) => client.CaptureAsync(new JobRequest(job)
    {
        User = TestUsers.Alice,
        Arguments = arguments is null ? null : System.Text.Encoding.UTF8.GetBytes(arguments.ToJsonString()),
    });
}
