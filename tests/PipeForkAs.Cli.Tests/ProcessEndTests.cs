using System.Diagnostics;

using PipeForkAs.Tests.Fakes;

using static PipeForkAs.Cli.Tests.CommandProcess;

namespace PipeForkAs.Cli.Tests;

/// <summary>Tests what ends the program as a process: signals, readers that leave, and jobs that end.</summary>
public sealed class ProcessEndTests
{
    [Theory(Timeout = Bound.Milliseconds)]
    [InlineData("INT", 130)]
    [InlineData("TERM", 143)]
    public async Task A_signal_closes_the_connection_and_determines_the_exit_status(string signal, int status)
    {
        TaskCompletionSource running = new(TaskCreationOptions.RunContinuationsAsynchronously);
        bool closed = false;
        await using (FakeDaemon daemon = new(async connection =>
        {
            await connection.ReadRequestAsync();
            running.SetResult();
            await connection.ClientClosesAsync();
            closed = true;
        }))
        {
            // The output is a pipe without a reader: a blocked write must not delay the signal.
            using Process process = Start(daemon, Executable, "run", "flood");
            await running.Task;
            using Process kill = Process.Start("/bin/kill", ["-" + signal, process.Id.ToString()]);
            await process.WaitForExitAsync();

            Assert.Equal(status, process.ExitCode);
        }

        Assert.True(closed);
    }

    [Theory(Timeout = Bound.Milliseconds)]
    [InlineData("INT", 9)]
    [InlineData("TERM", 9)]
    public async Task A_signal_that_the_command_was_started_to_ignore_stays_ignored(string signal, int status)
    {
        TaskCompletionSource running = new(TaskCreationOptions.RunContinuationsAsynchronously);
        TaskCompletionSource sent = new(TaskCreationOptions.RunContinuationsAsynchronously);
        await using FakeDaemon daemon = new(async connection =>
        {
            await connection.ReadRequestAsync();
            running.SetResult();
            await sent.Task;
            await connection.SendAsync(Reply.Exit(9));
        });
        Assert.SkipWhen(Native is null, "CoreCLR may handle it all the same; set PIPEFORKAS_PROGRAM to the native program");
        using Process process = Start(daemon, "/bin/bash", "-c", $"trap '' {signal}; exec $P run job");
        await running.Task;
        using Process kill = Process.Start("/bin/kill", ["-" + signal, process.Id.ToString()]);
        await kill.WaitForExitAsync();
        sent.SetResult();
        await process.WaitForExitAsync();

        Assert.Equal(status, process.ExitCode);
    }

    [Fact(Timeout = Bound.Milliseconds)]
    public async Task A_reader_that_closes_its_pipe_ends_the_command_silently_and_cancels_the_job()
    {
        bool closed = false;
        await using (FakeDaemon daemon = new(async connection =>
        {
            await connection.ReadRequestAsync();
            await connection.SendAsync(Reply.Out("first\n"));
            await connection.ClientClosesAsync();
            closed = true;
        }))
        {
            Assert.Equal(("first\n141\n", ""), await ShellAsync(daemon, "$P run yes | head -n1; echo ${PIPESTATUS[0]}"));
        }

        Assert.True(closed);
    }

    [Fact(Timeout = Bound.Milliseconds)]
    public async Task A_job_that_ends_does_not_wait_for_an_open_input()
    {
        await using FakeDaemon daemon = FakeDaemon.Replying(Reply.Out("done\n"), Reply.Exit(5));
        using Process process = Start(daemon, Executable, "run", "id");

        string output = await process.StandardOutput.ReadToEndAsync();
        await process.WaitForExitAsync();

        // The input was open until here.
        process.StandardInput.Close();
        Assert.Equal(("done\n", 5), (output, process.ExitCode));
    }
}
