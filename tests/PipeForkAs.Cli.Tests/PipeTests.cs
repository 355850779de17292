using System.Diagnostics;
using System.Security.Cryptography;

using PipeForkAs.Tests.Fakes;

using static PipeForkAs.Cli.Tests.CommandProcess;

namespace PipeForkAs.Cli.Tests;

/// <summary>Tests the program as a process whose streams are pipes, files, sockets and terminals.</summary>
public sealed class PipeTests
{
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
        using Process process = Start(daemon, Executable, "run", "both");

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
    public async Task Output_to_a_file_shared_with_other_programs_does_not_overwrite_theirs()
    {
        await using FakeDaemon daemon = FakeDaemon.Replying(Reply.Out("job\n"), Reply.Err("job's errors\n"), Reply.Exit(0));
        string file = daemon.PathOf("log");

        await ShellAsync(daemon, $"(echo before; $P run id 2>&1; echo after) > {file} < /dev/null");

        Assert.Equal("before\njob\njob's errors\nafter\n", await File.ReadAllTextAsync(file));
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
}
