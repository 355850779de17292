using System.Diagnostics;
using System.Text;

using PipeForkAs.Protocol.Client;
using PipeForkAs.Tests.Fakes;

namespace PipeForkAs.Cli.Tests;

/// <summary>The program under an interactive shell with job control, on a terminal: foreground, background, Ctrl-Z, fg, bg.</summary>
public sealed class TerminalTests
{
    private static readonly string Program =
        Environment.GetEnvironmentVariable("PIPEFORKAS_PROGRAM") ?? Path.Combine(AppContext.BaseDirectory, "pipeforkas");

    [Fact(Timeout = Bound.Milliseconds)]
    public async Task A_job_in_the_background_that_wants_no_input_runs_to_its_end()
    {
        TaskCompletionSource running = new(TaskCreationOptions.RunContinuationsAsynchronously);
        await using FakeDaemon daemon = new(async connection =>
        {
            await connection.ReadRequestAsync();
            await running.Task;
            await connection.SendAsync(Reply.Out("from the job\n"), Reply.Exit(3));
        });

        // The job ends after it had the time to be stopped.
        Task<string> session = TypeAsync(
            daemon, "< prompt> ", "> $P run id &\n", "< prompt> ", "> sleep 1; jobs; echo asked\n", "< Running.*run id", "< ^asked",
            "> touch $GO\n", "< from the job", "> wait $!; echo status $?\n", "< ^status 3");
        await AppearsAsync(daemon.PathOf("go"), session);
        running.SetResult();

        Assert.DoesNotContain("Stopped", await session);
    }

    [Fact(Timeout = Bound.Milliseconds)]
    public async Task What_is_typed_goes_to_the_shell_while_a_job_is_in_the_background_and_to_the_job_after_fg()
    {
        await using FakeDaemon daemon = Cat();
        string session = await TypeAsync(
            daemon, "< prompt> ", "> $P run cat &\n", "< prompt> ", "> echo shell-$((40+2))\n", "< ^shell-42", "< prompt> ", "> fg\n",
            "< run cat", "> typed\n", "< got typed", "> \\x04", "< prompt> ", "> echo status $?\n", "< ^status 0");
        Assert.DoesNotContain("Stopped", session);
    }

    [Fact(Timeout = Bound.Milliseconds)]
    public async Task A_job_that_Ctrl_Z_stopped_goes_on_in_the_foreground()
    {
        await using FakeDaemon daemon = Cat();
        await TypeAsync(
            daemon, "< prompt> ", "> $P run cat\n", "< run cat", "> one\n", "< got one", "> \\x1a", "< Stopped", "< prompt> ",
            "> echo shell-$((40+2))\n", "< ^shell-42", "< prompt> ", "> fg\n", "< run cat", "> two\n", "< got two", "> \\x04", "< prompt> ",
            "> echo status $?\n", "< ^status 0");
    }

    [Fact(Timeout = Bound.Milliseconds)]
    public async Task A_job_that_Ctrl_Z_stopped_goes_on_in_the_background_without_reading_the_terminal()
    {
        await using FakeDaemon daemon = Cat();
        string session = await TypeAsync(
            daemon, "< prompt> ", "> $P run cat\n", "< run cat", "> one\n", "< got one", "> \\x1a", "< Stopped", "< prompt> ", "> bg\n",
            "< prompt> ", "> sleep 1\n", "< prompt> ", "> echo shell-$((40+2))\n", "< ^shell-42", "< prompt> ", "> jobs; echo asked\n",
            "< Running.*run cat",
            "< ^asked", "< prompt> ", "> fg\n", "< run cat", "> two\n", "< got two", "> \\x04", "< prompt> ", "> echo status $?\n",
            "< ^status 0");
        Assert.Single(session.Split("Stopped")[1..]);
    }

    [Fact(Timeout = Bound.Milliseconds)]
    public async Task A_job_in_an_orphaned_process_group_is_not_ended_by_its_terminal()
    {
        TaskCompletionSource running = new(TaskCreationOptions.RunContinuationsAsynchronously);
        await using FakeDaemon daemon = new(async connection =>
        {
            await connection.ReadRequestAsync();
            await running.Task;
            await connection.SendAsync(Reply.Exit(7));
        });

        // The inner shell gives its job a process group of its own, and ends: nothing could continue the job if a read stopped it, so the
        // kernel refuses the read (EIO).
        Task<string> session = TypeAsync(
            daemon, "< prompt> ", "> bash -mc '{ $P run cat </dev/tty >/dev/null; echo status $? >$GO.status; } &'\n", "< prompt> ",
            "> typed for the shell\n", "< command not found", "> sleep 1; touch $GO\n", "< prompt> ",
            "> until [ -s $GO.status ]; do sleep 0.1; done; cat $GO.status\n", "< status 7");
        await AppearsAsync(daemon.PathOf("go"), session);
        running.SetResult();

        await session;
    }

    [Fact(Timeout = Bound.Milliseconds)]
    public async Task Ctrl_C_ends_the_command_and_the_job()
    {
        TaskCompletionSource closed = new(TaskCreationOptions.RunContinuationsAsynchronously);
        await using FakeDaemon daemon = new(async connection =>
        {
            await connection.ReadRequestAsync();
            await connection.SendAsync(Reply.Err("ready\n"));
            await connection.ClientClosesAsync();
            closed.SetResult();
        });

        await TypeAsync(
            daemon, "< prompt> ", "> $P run cat >/dev/null\n", "< ^ready", "> \\x03", "< prompt> ", "> echo status $?\n", "< ^status 130");

        await closed.Task;
    }

    [Fact(Timeout = Bound.Milliseconds)]
    public async Task A_terminal_that_is_gone_ends_the_command_and_the_job()
    {
        TaskCompletionSource closed = new(TaskCreationOptions.RunContinuationsAsynchronously);
        await using FakeDaemon daemon = new(async connection =>
        {
            await connection.ReadRequestAsync();
            await connection.SendAsync(Reply.Err("ready\n"));
            await connection.ClientClosesAsync();
            closed.SetResult();
        });

        await TypeAsync(daemon, "< prompt> ", "> $P run cat >/dev/null\n", "< ^ready");

        await closed.Task;
    }

    /// <summary>A daemon whose job says what it got, line by line.</summary>
    private static FakeDaemon Cat() => new(async connection =>
    {
        await connection.ReadRequestAsync();
        ReadOnlyMemory<byte> piece;
        while (!(piece = await connection.ReadInputAsync()).IsEmpty)
            await connection.SendAsync(Reply.Out($"got {Encoding.UTF8.GetString(piece.Span)}"));
        await connection.SendAsync(Reply.Exit(0));
    });

    /// <summary>Waits for a file that the session makes.</summary>
    private static async Task AppearsAsync(string file, Task session)
    {
        while (!File.Exists(file) && !session.IsCompleted)
            await Task.Delay(10);
    }

    /// <summary>Makes the steps of Shell/terminal.py; returns all that appeared.</summary>
    private static async Task<string> TypeAsync(FakeDaemon daemon, params string[] steps)
    {
        using Process python = Process.Start(new ProcessStartInfo(
            "python3", [Path.Combine(AppContext.BaseDirectory, "Shell", "terminal.py"), .. steps.Select(step => step.Replace("\n", "\\n"))])
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            Environment =
            {
                [ClientProtocol.SocketVariable] = daemon.SocketPath, ["P"] = Program, ["GO"] = daemon.PathOf("go"), ["TERM"] = "dumb",
            },
        })!;
        python.StandardInput.Close();
        string seen = await python.StandardOutput.ReadToEndAsync();
        await python.WaitForExitAsync();
        Assert.True(python.ExitCode == 0, seen);
        return seen;
    }
}
