using System.Diagnostics;

using PipeForkAs.Protocol.Client;
using PipeForkAs.Tests.Fakes;

using static PipeForkAs.Cli.Tests.CommandProcess;

namespace PipeForkAs.Cli.Tests;

/// <summary>Tests what else the program as a process has: one thread, its arguments, and its environment.</summary>
public sealed class ProcessTests
{
    private const string Parent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01", State = "rojo=00f067aa0ba902b7";

    [Fact(Timeout = Bound.Milliseconds)]
    public async Task A_native_program_has_one_thread()
    {
        Assert.SkipWhen(Native is null, "CoreCLR has threads of its own; set PIPEFORKAS_PROGRAM to the native program");
        TaskCompletionSource running = new(TaskCreationOptions.RunContinuationsAsynchronously);
        TaskCompletionSource counted = new(TaskCreationOptions.RunContinuationsAsynchronously);
        await using FakeDaemon daemon = new(async connection =>
        {
            await connection.ReadRequestAsync();
            await connection.SendAsync(Reply.Out(new byte[1024 * 1024]), Reply.Err("text\n"));
            Assert.Equal("input", System.Text.Encoding.UTF8.GetString((await connection.ReadInputAsync()).Span));
            running.SetResult();
            await counted.Task;
            await connection.SendAsync(Reply.Exit(0));
        });
        using Process process = Start(daemon, Executable, "run", "--timeout", "60", "job");
        await process.StandardInput.WriteAsync("input");
        await process.StandardInput.FlushAsync();
        await process.StandardOutput.BaseStream.ReadExactlyAsync(new byte[1024 * 1024]);
        await running.Task;

        string status = await File.ReadAllTextAsync($"/proc/{process.Id}/status");
        counted.SetResult();
        await process.WaitForExitAsync();

        Assert.Contains("\nThreads:\t1\n", status);
        Assert.Equal(0, process.ExitCode);
    }

    [Fact(Timeout = Bound.Milliseconds)]
    public async Task A_command_line_argument_that_is_not_UTF8_is_refused()
    {
        await using FakeDaemon daemon = FakeDaemon.Replying(Reply.Exit(0));

        (string output, string error) = await ShellAsync(daemon, "$P run read-file path=$'a\\xffb'; echo $?");

        Assert.Equal("125\n", output);
        Assert.Contains("not valid UTF-8", error);
    }

    [Fact(Timeout = Bound.Milliseconds)]
    public async Task The_option_overrides_the_environment()
    {
        await using FakeDaemon daemon = FakeDaemon.Replying(Reply.Exit(0));

        Assert.Equal(
            ("0\n", ""), await ShellAsync(daemon, "PIPEFORKAS_SOCKET=/nowhere $P run --socket $PIPEFORKAS_SOCKET id </dev/null; echo $?"));
    }

    [Theory(Timeout = Bound.Milliseconds)]
    [InlineData($"TRACEPARENT={Parent} TRACESTATE={State} $P run id", Parent, State)]
    [InlineData($"TRACEPARENT={Parent} TRACESTATE={State} $P run --json id", Parent, State)]
    [InlineData($"TRACEPARENT={Parent} $P run id", Parent, null)]
    [InlineData($"TRACEPARENT={Parent} TRACESTATE= $P run id", Parent, null)]
    [InlineData($"TRACEPARENT={Parent} TRACESTATE='a b' $P run id", Parent, null)]
    [InlineData($"TRACEPARENT={Parent} $P run --env LANG=C id", Parent, null)]
    [InlineData($"TRACEPARENT={Parent} $P run --env TRACEPARENT=mine id", null, null)]
    [InlineData($"TRACEPARENT={Parent} TRACESTATE={State} $P run --env TRACESTATE=mine id", null, null)]
    [InlineData($"TRACEPARENT=00-0-0-0 TRACESTATE={State} $P run id", null, null)]
    [InlineData($"TRACEPARENT= TRACESTATE={State} $P run id", null, null)]
    [InlineData($"TRACESTATE={State} $P run id", null, null)]
    [InlineData("$P run id", null, null)]
    public async Task A_valid_trace_of_the_caller_goes_with_the_request(string command, string? parent, string? state)
    {
        Request? request = null;
        await using FakeDaemon daemon = new(async connection =>
        {
            request = await connection.ReadRequestAsync();
            await connection.SendAsync(Reply.Out("{}"), Reply.Exit(0));
        });

        (_, string error) = await ShellAsync(daemon, $"unset TRACEPARENT TRACESTATE; {command} </dev/null");

        Assert.Equal("", error);
        Assert.Equal((parent, state), (request?.TraceParent, request?.TraceState));
    }
}
