using PipeForkAs.Tests.Fakes;

using static PipeForkAs.Cli.Tests.CommandProcess;

namespace PipeForkAs.Cli.Tests;

/// <summary>Tests the program as a process that was started without some of its standard streams.</summary>
public sealed class ClosedStreamTests
{
    [Fact(Timeout = Bound.Milliseconds)]
    public async Task The_connection_never_gets_the_number_of_a_closed_output()
    {
        await using FakeDaemon daemon = Cat();

        (string output, string error) = await ShellAsync(daemon, "echo x | $P run cat >&-; echo $?");

        Assert.Equal("125\n", output);
        Assert.Contains("cannot write the job's standard output", error);
    }

    [Fact(Timeout = Bound.Milliseconds)]
    public async Task A_closed_input_counts_as_empty()
    {
        Assert.SkipWhen(
            Native is null,
            "CoreCLR replaces a closed descriptor before Main; set PIPEFORKAS_PROGRAM to the native program");
        await using FakeDaemon daemon = Cat();

        Assert.Equal(("0\n0\n", ""), await ShellAsync(daemon, "$P run cat <&-; echo $?; $P run cat <&- >&- 2>&-; echo $?"));
    }

    [Theory(Timeout = Bound.Milliseconds)]
    [InlineData("$P run job 2>&-", 127, "")]
    [InlineData("$P run job >&-", 127, "pipeforkas: unknown-job\n")]
    [InlineData("$P cancel 7 2>&-", 127, "")]
    public async Task Without_standard_error_the_exit_status_shows_the_failure(string command, int status, string told)
    {
        await using FakeDaemon daemon = FakeDaemon.Replying(Reply.End(ReplyCode.UnknownJob));

        Assert.Equal(($"{status}\n", told), await ShellAsync(daemon, $"{command} </dev/null; echo $?"));
    }

    [Theory(Timeout = Bound.Milliseconds)]
    [InlineData("list --json")]
    [InlineData("run --json job")]
    public async Task A_closed_output_exits_with_125_and_a_message(string command)
    {
        await using FakeDaemon daemon = FakeDaemon.Replying(Reply.Out("[]"), Reply.Exit(0));

        (string output, string error) = await ShellAsync(daemon, $"$P {command} </dev/null >&-; echo $?");

        Assert.Equal("125\n", output);
        Assert.Matches("^pipeforkas: [^\n]+\n$", error);
    }
}
