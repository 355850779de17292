using System.Diagnostics;
using System.Security.Cryptography;

using PipeForkAs.Protocol.Client;
using PipeForkAs.Tests.Fakes;

namespace PipeForkAs.Cli.Tests;

/// <summary>
/// Tests the program as a process under a shell: pipes, files, terminals, signals. It is the one that was built with the tests, or the
/// native one that the environment variable PIPEFORKAS_PROGRAM names.
/// </summary>
public sealed class ProcessTests
{
    private static readonly string? Native = Environment.GetEnvironmentVariable("PIPEFORKAS_PROGRAM");
    private static readonly string Program = Native ?? Path.Combine(AppContext.BaseDirectory, "pipeforkas");

    [Fact(Timeout = Bound.Milliseconds)]
    public async Task Streams_and_exit_code_pass_through()
    {
        await using FakeDaemon daemon = new(async connection =>
        {
            await connection.ReadRequestAsync();
            byte[] input = await connection.ReadInputToEndAsync();
            await connection.SendAsync(Reply.Out(input), Reply.Err("err\n"), Reply.Exit(200));
        });

        Assert.Equal(("in\n", "err\nstatus 200\n"), await ShellAsync(daemon, "echo in | $P run cat; echo status $? >&2"));
    }

    [Fact(Timeout = Bound.Milliseconds)]
    public async Task A_large_stream_passes_through_pipes_unchanged()
    {
        await using FakeDaemon daemon = Cat();
        string file = daemon.PathOf("large");
        byte[] bytes = Reply.Noise(64 * 1024 * 1024);
        await File.WriteAllBytesAsync(file, bytes);

        (string output, string error) = await ShellAsync(
            daemon, $"cat {file} | $P run cat | sha256sum; $P run cat < {file} > {file}.out; sha256sum < {file}.out");

        string sum = Convert.ToHexStringLower(SHA256.HashData(bytes)) + "  -\n";
        Assert.Equal((sum + sum, ""), (output, error));
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
    public async Task Output_to_a_file_shared_with_other_programs_does_not_overwrite_theirs()
    {
        await using FakeDaemon daemon = FakeDaemon.Replying(Reply.Out("job\n"), Reply.Err("job's errors\n"), Reply.Exit(0));
        string file = daemon.PathOf("log");

        await ShellAsync(daemon, $"(echo before; $P run id 2>&1; echo after) > {file} < /dev/null");

        Assert.Equal("before\njob\njob's errors\nafter\n", await File.ReadAllTextAsync(file));
    }

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
            using Process process = Start(daemon, Program, "run", "flood");
            await running.Task;
            using Process kill = Process.Start("/bin/kill", ["-" + signal, process.Id.ToString()]);
            await process.WaitForExitAsync();

            Assert.Equal(status, process.ExitCode);
        }

        Assert.True(closed);
    }

    [Fact(Timeout = Bound.Milliseconds)]
    public async Task A_job_that_ends_does_not_wait_for_an_open_input()
    {
        await using FakeDaemon daemon = FakeDaemon.Replying(Reply.Out("done\n"), Reply.Exit(5));
        using Process process = Start(daemon, Program, "run", "id");

        string output = await process.StandardOutput.ReadToEndAsync();
        await process.WaitForExitAsync();

        // The input was open until here.
        process.StandardInput.Close();
        Assert.Equal(("done\n", 5), (output, process.ExitCode));
    }

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

    [Fact(Timeout = Bound.Milliseconds)]
    public async Task Terminal_input_reaches_the_job()
    {
        await using FakeDaemon daemon = Cat();

        // script(1) gives the program a terminal; the end of file of a terminal is Ctrl-D at the beginning of a line.
        (string output, _) = await ShellAsync(
            daemon, "(printf 'typed\\n'; printf '\\004') | script -qec '$P run cat; echo status $?' /dev/null");

        Assert.Contains("typed\r\n", output);
        Assert.Contains("status 0", output);
        Assert.DoesNotContain('\e', output);
    }

    [Theory(Timeout = Bound.Milliseconds)]
    [InlineData("-n")]
    [InlineData("--no-stdin")]
    [InlineData("--json --no-stdin")]
    public async Task A_loop_keeps_its_input_where_the_command_is_to_send_none(string option)
    {
        int asked = 0;
        await using FakeDaemon daemon = new(async connection =>
        {
            await connection.ReadRequestAsync();
            asked++;
            Assert.Empty(await connection.ReadInputToEndAsync());
            await connection.SendAsync(Reply.Exit(0));
        });

        (string output, string error) = await ShellAsync(
            daemon, $"printf 'a\nb\nc\n' | while read x; do $P run {option} id >/dev/null; echo $x; done");

        Assert.Equal(("a\nb\nc\n", "", 3), (output, error, asked));
    }

    [Fact(Timeout = Bound.Milliseconds)]
    public async Task Without_the_option_a_loop_loses_its_input()
    {
        await using FakeDaemon daemon = new(async connection =>
        {
            await connection.ReadRequestAsync();
            Assert.Equal("b\nc\n"u8.ToArray(), await connection.ReadInputToEndAsync());
            await connection.SendAsync(Reply.Exit(0));
        });

        Assert.Equal(("a\n", ""), await ShellAsync(daemon, "printf 'a\nb\nc\n' | while read x; do $P run id; echo $x; done"));
    }

    /// <summary>The job writes much before it reads, and the caller writes all of its input before it reads: a command that moved one
    /// direction after the other would wait for ever.
    /// </summary>
    [Fact(Timeout = Bound.Milliseconds)]
    public async Task Both_directions_move_while_the_other_one_waits()
    {
        byte[] bytes = Reply.Noise(8 * 1024 * 1024);
        TaskCompletionSource hasInput = new(TaskCreationOptions.RunContinuationsAsynchronously);
        await using FakeDaemon daemon = new(async connection =>
        {
            await connection.ReadRequestAsync();
            Task sending = connection.SendAsync(Reply.Out(bytes));
            byte[] input = await connection.ReadInputToEndAsync();
            Assert.Equal(bytes, input);
            hasInput.SetResult();
            await sending;
            await connection.SendAsync(Reply.Exit(0));
        });
        using Process process = Start(daemon, Program, "run", "both");

        await process.StandardInput.BaseStream.WriteAsync(bytes);
        process.StandardInput.Close();
        await hasInput.Task;
        MemoryStream output = new();
        await process.StandardOutput.BaseStream.CopyToAsync(output);
        await process.WaitForExitAsync();

        Assert.Equal(0, process.ExitCode);
        Assert.Equal(bytes, output.ToArray());
    }

    [Fact(Timeout = Bound.Milliseconds)]
    public async Task Sockets_as_streams_carry_both_directions()
    {
        await using FakeDaemon daemon = Cat();

        // socat gives the program one end of a socket pair as input and output.
        (string output, string error) = await ShellAsync(
            daemon, "head -c 3000000 /dev/zero | socat -t 60 - EXEC:\"$P run cat\" | wc -c");

        Assert.Equal(("3000000\n", ""), (output, error));
    }

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
        using Process process = Start(daemon, Program, "run", "--timeout", "60", "job");
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
    public async Task A_command_line_argument_that_is_not_UTF8_is_refused()
    {
        await using FakeDaemon daemon = FakeDaemon.Replying(Reply.Exit(0));

        (string output, string error) = await ShellAsync(daemon, "$P run read-file path=$'a\\xffb'; echo $?");

        Assert.Equal("125\n", output);
        Assert.Contains("not valid UTF-8", error);
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

    [Fact(Timeout = Bound.Milliseconds)]
    public async Task Pipes_that_another_program_made_nonblocking_carry_everything()
    {
        await using FakeDaemon daemon = Cat();

        // dd(1) does not clear the flag on its pipes.
        (string output, string error) = await ShellAsync(
            daemon,
            "(sleep 0.3; head -c 800000 /dev/zero; sleep 0.3) | (dd iflag=nonblock oflag=nonblock count=0 2>/dev/null; $P run cat; echo "
            + "status $? >&2) | (sleep 1; wc -c)");

        Assert.Equal(("800000\n", "status 0\n"), (output, error));
    }

    [Fact(Timeout = Bound.Milliseconds)]
    public async Task The_option_overrides_the_environment()
    {
        await using FakeDaemon daemon = FakeDaemon.Replying(Reply.Exit(0));

        Assert.Equal(
            ("0\n", ""), await ShellAsync(daemon, "PIPEFORKAS_SOCKET=/nowhere $P run --socket $PIPEFORKAS_SOCKET id </dev/null; echo $?"));
    }

    private static FakeDaemon Cat() => new(async connection =>
    {
        await connection.ReadRequestAsync();
        try
        {
            ReadOnlyMemory<byte> piece;
            while (!(piece = await connection.ReadInputAsync()).IsEmpty)
                await connection.SendAsync(Reply.Out(piece.ToArray()));
            await connection.SendAsync(Reply.Exit(0));
        }
        catch (System.Net.Sockets.SocketException)
        {
            // The client has disconnected, as some of the tests expect.
        }
    });

    private static async Task<(string Output, string Error)> ShellAsync(FakeDaemon daemon, string script)
    {
        using Process shell = Start(daemon, "/bin/bash", "-c", script);
        shell.StandardInput.Close();
        Task<string> error = shell.StandardError.ReadToEndAsync();
        string output = await shell.StandardOutput.ReadToEndAsync();
        await shell.WaitForExitAsync();
        return (output, await error);
    }

    private static Process Start(FakeDaemon daemon, string program, params string[] args) =>
        Process.Start(new ProcessStartInfo(program, args)
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            Environment = { [ClientProtocol.SocketVariable] = daemon.SocketPath, ["P"] = Program, ["SHELL"] = "/bin/bash" },
        })!;
}
