using System.Diagnostics;
using System.Globalization;
using System.Text.Json.Nodes;
using PipeForkAs.EndToEnd.Harness;
using PipeForkAs.LibC;

namespace PipeForkAs.EndToEnd;

/// <summary>Tests the command with -H, through a real sshd, which logs Alice in as Bob.</summary>
public sealed class RemoteHostTests
{
    public static TheoryData<string> Hosts => ["there", "restricted", "shared", "jump"];

    private static string BobUid => TestUsers.Entry(TestUsers.Bob).Uid.ToString();

    [Theory(Timeout = Bound.Test)]
    [MemberData(nameof(Hosts))]
    public async Task A_job_runs_there_as_the_account_that_ssh_logged_in(string host)
    {
        await using DaemonProcess daemon = await DaemonProcess.StartAsync();
        await using SshServer server = await SshServer.StartAsync(daemon);

        ToolResult run = await SshServer.CommandAsync(["-H", host, "run", "id"]);

        Assert.Equal((0, ""), (run.ExitCode, run.Error));
        Assert.StartsWith($"uid={BobUid}({TestUsers.Bob})", run.Text, StringComparison.Ordinal);
        Assert.Equal(126, (await SshServer.CommandAsync(["-H", host, "run", "--user", TestUsers.Alice, "id"])).ExitCode);
        await Bound.UntilAsync(() => SshServer.Dials().Count == 0, () => "a dial process is left");
    }

    [Fact(Timeout = Bound.Test)]
    public async Task Every_subcommand_reaches_the_host_of_the_option_and_of_the_environment()
    {
        await using DaemonProcess daemon = await DaemonProcess.StartAsync();
        await using SshServer server = await SshServer.StartAsync(daemon);
        string address = $"{TestUsers.Bob}@127.0.0.1:{server.Port.ToString(CultureInfo.InvariantCulture)}";

        Assert.Contains("\necho ", (await SshServer.CommandAsync(["list", "-H", address])).Text, StringComparison.Ordinal);
        Assert.StartsWith(
            "write-file", (await SshServer.CommandAsync(["--host", "there", "describe", "write-file"])).Text, StringComparison.Ordinal);
        Assert.Equal(0, (await SshServer.CommandAsync(["-H", "there", "check", "id"])).ExitCode);
        Assert.Equal(126, (await SshServer.CommandAsync(["-H", "there", "check", "-u", "root", "id"])).ExitCode);
        Assert.Contains("\"version\"", (await SshServer.CommandAsync(["-H", "there", "status", "--json"])).Text, StringComparison.Ordinal);
        Assert.Equal(127, (await SshServer.CommandAsync(["-H", "there", "cancel", "4711"])).ExitCode);
        Assert.Equal(126, (await SshServer.CommandAsync(["-H", "there", "sign-in", TestUsers.Bob], "wrong\n"u8.ToArray())).ExitCode);
        ToolResult byEnvironment = await Tool.RunAsAsync(
            TestUsers.Alice, ["env", "PIPEFORKAS_HOST=there", "PIPEFORKAS_SOCKET=/nowhere", NativeBuild.Command, "run", "id"]);
        Assert.StartsWith($"uid={BobUid}", byEnvironment.Text, StringComparison.Ordinal);
        ToolResult here = await Tool.RunAsAsync(
            TestUsers.Alice, ["env", "PIPEFORKAS_HOST=nowhere", NativeBuild.Command, "-H", "", "--socket", daemon.Socket, "run", "id"]);
        Assert.StartsWith($"uid={TestUsers.AliceUid}", here.Text, StringComparison.Ordinal);
    }

    [Theory(Timeout = Bound.Test)]
    [InlineData("there")]
    [InlineData("shared")]
    public async Task Streams_exit_codes_and_the_end_of_input_pass_through(string host)
    {
        await using DaemonProcess daemon = await DaemonProcess.StartAsync(configuration =>
            configuration["Commands"]!["seven"] = new JsonObject { ["Command"] = new JsonArray("/bin/sh", "-c", "echo no >&2; exit 7") });
        await using SshServer server = await SshServer.StartAsync(daemon);
        byte[] large = new byte[32 * 1024 * 1024];
        new Random(7).NextBytes(large);

        ToolResult copied = await SshServer.CommandAsync(["-H", host, "run", "cat"], large);
        ToolResult failed = await SshServer.CommandAsync(["-H", host, "run", "-n", "seven"]);

        Assert.Equal((0, ""), (copied.ExitCode, copied.Error));
        Assert.True(copied.Output.AsSpan().SequenceEqual(large), $"{copied.Output.Length} bytes came back");
        Assert.Equal((7, "no\n"), (failed.ExitCode, failed.Error));
    }

    [Fact(Timeout = Bound.Test)]
    public async Task Each_failure_says_on_which_side_it_arose()
    {
        await using DaemonProcess daemon = await DaemonProcess.StartAsync();
        string old = Path.Combine(daemon.Folder, "old");
        Directory.CreateDirectory(old);
        await using (SshServer server = await SshServer.StartAsync(daemon, native: old))
        {
            await FailsAsync("there is no command pipeforkas on there: ", "there");
            await File.WriteAllTextAsync(
                Path.Combine(old, "pipeforkas"), "#!/bin/sh\necho \"pipeforkas: Unrecognized command or argument '$1'.\" >&2\nexit 125\n");
            await FailsAsync("the command pipeforkas on there cannot be executed: ", "there");
            Libc.chmod(Path.Combine(old, "pipeforkas"), 0x1ED); // 0755
            await FailsAsync("the command pipeforkas on there is too old for remote requests: Unrecognized command or argument", "there");
            await File.WriteAllTextAsync(Path.Combine(old, "pipeforkas"), "#!/bin/sh\nprintf 'a\\033[2Jb\\n' >&2\nexit 3\n");
            await FailsAsync("pipeforkas dial on there ended with status 3: a\\u001b[2Jb", "there");
            await File.WriteAllTextAsync(Path.Combine(old, "pipeforkas"), "#!/bin/sh\nyes words | head -c 10000000 >&2\nexit 3\n");
            Assert.True((await FailsAsync("pipeforkas dial on there ended with status 3: ...", "there")).Length < 1000);
        }

        await using (SshServer server = await SshServer.StartAsync(daemon))
        {
            await FailsAsync("on there: cannot connect to /nowhere: no such file; is pipeforkas running?", "there", "--socket", "/nowhere");
            await FailsAsync($"on there: a process of uid 0 listens on {daemon.Socket}, expected uid 7;", "there", "--daemon-uid", "7");
            await FailsAsync("ssh to pfa-nobody@127.0.0.1 failed: ", "pfa-nobody@127.0.0.1");
            await FailsAsync("ssh to 127.0.0.1:1 failed: ssh: connect to host 127.0.0.1 port 1: ", "127.0.0.1:1");
        }

        foreach (string wrong in (string[])["-oProxyCommand=x", "a b", "a@-b", "h:0", "h;id", "::1", "u@"])
        {
            ToolResult refused = await SshServer.CommandAsync([$"--host={wrong}", "run", "id"]);
            Assert.Equal(125, refused.ExitCode);
            Assert.Contains("is not a host: ", refused.Error, StringComparison.Ordinal);
        }
    }

    [Theory(Timeout = Bound.Test)]
    [InlineData("there", Signals.Kill, true)]
    [InlineData("there", Signals.Terminate, true)]
    [InlineData("there", Signals.Interrupt, true)]
    [InlineData("there", Signals.Kill, false)]
    [InlineData("shared", Signals.Kill, true)]
    [InlineData("shared", Signals.Kill, false)]
    public async Task The_end_of_the_command_or_of_ssh_cancels_the_job(string host, int signal, bool isCommand)
    {
        await using DaemonProcess daemon = await DaemonProcess.StartAsync();
        await using SshServer server = await SshServer.StartAsync(daemon);

        // Its output is quiet after the first line, and its input is at its end: nothing but a hang-up can end it.
        Task<ToolResult> running = SshServer.CommandAsync(["-H", host, "run", "-n", "graceful"]);
        await Crowd.RunningAsync(daemon, "graceful");
        int command = Assert.Single(Commands());
        int ssh = Assert.Single(ProcFs.Children(command));
        Libc.kill(new ProcessId(isCommand ? command : ssh), new Signal(signal));

        ToolResult ended = await running;
        Assert.True(isCommand || ended.ExitCode == 125, $"exit {ended.ExitCode}");
        Assert.True(isCommand || ended.Error.Contains("cut short", StringComparison.Ordinal), ended.Error);
        await Bound.UntilAsync(() => !ProcFs.IsAlive(ssh), () => "ssh has outlived the command");
        await Bound.UntilAsync(() => SshServer.Dials().Count == 0, () => "a dial process is left");
        await NothingRunsAsync(daemon);
    }

    [Fact(Timeout = Bound.Test)]
    public async Task A_hundred_killed_sessions_of_ssh_leave_no_job_and_no_process()
    {
        await using DaemonProcess daemon = await DaemonProcess.StartAsync();
        await using SshServer server = await SshServer.StartAsync(daemon);
        int cut = 0;
        for (int round = 0; round < 100; round++)
        {
            // A stream of bytes in both directions, at another point each time; each fourth one through a shared connection.
            string host = round % 4 == 0 ? "shared" : "there";
            using Process command = Process.Start(new ProcessStartInfo(
                "runuser", ["-u", TestUsers.Alice, "--", NativeBuild.Command, "-H", host, "run", "cat"])
            { RedirectStandardInput = true, RedirectStandardOutput = true, RedirectStandardError = true })!;
            Task fed = FeedAsync(command.StandardInput.BaseStream);
            Task<string> error = command.StandardError.ReadToEndAsync(TestContext.Current.CancellationToken);
            byte[] received = new byte[1 + (round * 1000)];
            await command.StandardOutput.BaseStream.ReadExactlyAsync(received, TestContext.Current.CancellationToken);
            int ssh = Assert.Single(ProcFs.Children(Assert.Single(Commands())));
            Libc.kill(new ProcessId(ssh), Signal.SIGKILL);
            await command.StandardOutput.BaseStream.CopyToAsync(Stream.Null, TestContext.Current.CancellationToken);
            await command.WaitForExitAsync(TestContext.Current.CancellationToken);
            await fed;
            Assert.Equal(125, command.ExitCode);
            cut += (await error).Contains("cut short after", StringComparison.Ordinal) ? 1 : 0;
        }

        Assert.Equal(100, cut);
        await NothingRunsAsync(daemon);
        await Bound.UntilAsync(() => SshServer.Dials().Count == 0, () => "a dial process is left");
        Console.WriteLine($"measured: {cut} of 100 killed sessions of ssh were reported, and no job is left");
    }

    [Fact(Timeout = Bound.Test)]
    public async Task A_restricted_key_can_ask_for_jobs_and_do_nothing_else()
    {
        await using DaemonProcess daemon = await DaemonProcess.StartAsync();
        await using SshServer server = await SshServer.StartAsync(daemon);
        string proof = Path.Combine(TestUsers.Entry(TestUsers.Bob).Home, "proof");

        // The command of the caller is ignored; dial gets its input.
        ToolResult other = await Tool.RunAsAsync(
            TestUsers.Alice, ["ssh", "restricted", $"touch {proof}"], """{"job":"id"}"""u8.ToArray().Append((byte)'\n').ToArray());
        Assert.False(File.Exists(proof));
        Assert.StartsWith($"uid={BobUid}", other.Text, StringComparison.Ordinal);
        foreach (string[] words in (string[][])[["-N", "-L", "0:127.0.0.1:1", "-oExitOnForwardFailure=yes"], ["-W", "127.0.0.1:1"]])
        {
            ToolResult refused = await Tool.RunAsAsync(
                TestUsers.Alice, ["timeout", "3", "ssh", .. words, "restricted"]);
            Assert.NotEqual(0, refused.ExitCode);
        }

        // Another daemon than that of the administrator is out of its reach.
        ToolResult elsewhere = await SshServer.CommandAsync(["-H", "restricted", "--socket", "/nowhere", "run", "id"]);
        Assert.Equal(0, elsewhere.ExitCode);
    }

    [Fact(Timeout = Bound.Test)]
    public async Task Dial_ends_at_a_hang_up_and_at_the_end_of_the_reply_without_waiting_for_input()
    {
        await using DaemonProcess daemon = await DaemonProcess.StartAsync();
        const string Script = """
            import os, socket, subprocess, sys, tempfile
            program, path = sys.argv[1:]
            def dial(**streams):
                return subprocess.Popen([program, "dial", "--socket=" + path], **streams)
            line = b'{"job":"id"}\n'
            # The end of the reply: the input stays open.
            first = dial(stdin=subprocess.PIPE, stdout=subprocess.PIPE)
            first.stdin.write(line); first.stdin.flush()
            assert b"uid=" in first.stdout.read()
            assert first.wait(20) == 0
            # A pipe without a reader, while nothing is written and the input stays open.
            second = dial(stdin=subprocess.PIPE, stdout=subprocess.PIPE)
            second.stdin.write(b'{"job":"graceful"}\n'); second.stdin.flush()
            assert second.stdout.readline()
            second.stdout.close()
            assert second.wait(20) == 0
            # A socket that is closed, as sshd does it.
            ours, theirs = socket.socketpair()
            third = dial(stdin=theirs, stdout=theirs)
            theirs.close()
            ours.sendall(b'{"job":"graceful"}\n')
            ours.shutdown(socket.SHUT_WR)
            assert ours.recv(100)
            ours.close()
            assert third.wait(20) == 0
            # A file as output, and as input.
            with tempfile.TemporaryFile() as given, tempfile.TemporaryFile() as taken:
                given.write(line); given.flush(); given.seek(0)
                assert dial(stdin=given, stdout=taken).wait(20) == 0
                taken.seek(0)
                assert taken.read().startswith(b"uid=")
            """;

        ToolResult dialed = await Tool.RunAsAsync(TestUsers.Alice, ["python3", "-c", Script, NativeBuild.Command, daemon.Socket]);

        Assert.Equal((0, ""), (dialed.ExitCode, dialed.Error));
        await NothingRunsAsync(daemon);
    }

    [Fact(Timeout = Bound.Test)]
    public async Task Dial_has_an_exit_status_for_each_reason_and_ignores_the_host_of_the_environment()
    {
        await using DaemonProcess daemon = await DaemonProcess.StartAsync();
        byte[] line = "{\"job\":\"id\"}\n"u8.ToArray();

        Assert.Equal(69, (await Tool.RunAsync([NativeBuild.Command, "dial", "--socket=/nowhere"], line)).ExitCode);
        string[] socket = [$"--socket={daemon.Socket}"];
        Assert.Equal(77, (await Tool.RunAsync([NativeBuild.Command, "dial", .. socket, "--daemon-uid=7"], line)).ExitCode);
        Assert.Equal(125, (await Tool.RunAsync([NativeBuild.Command, "dial", .. socket, "-H", "there"], line)).ExitCode);
        ToolResult dialed = await Tool.RunAsAsync(
            TestUsers.Alice, ["env", "PIPEFORKAS_HOST=nowhere", $"PIPEFORKAS_SOCKET={daemon.Socket}", NativeBuild.Command, "dial"], line);
        Assert.Equal((0, ""), (dialed.ExitCode, dialed.Error));
        Assert.StartsWith($"uid={TestUsers.AliceUid}", dialed.Text, StringComparison.Ordinal);
    }

    private static async Task FeedAsync(Stream input)
    {
        byte[] piece = new byte[64 * 1024];
        try
        {
            while (true)
                await input.WriteAsync(piece, TestContext.Current.CancellationToken);
        }
        catch (IOException)
        {
            // The command has ended.
        }
    }

    private static IReadOnlyList<int> Commands() =>
    [
        .. ProcFs.OfUsers([TestUsers.Entry(TestUsers.Alice).Uid]).Where(
            pid => ProcFs.CommandLine(pid).StartsWith(NativeBuild.Command + "\0", StringComparison.Ordinal)),
    ];

    private static async Task NothingRunsAsync(DaemonProcess daemon)
    {
        var client = new PipeForkAsClient(daemon.Socket);
        await Bound.UntilAsync(
            async () => (await client.StatusAsync(TestContext.Current.CancellationToken)).Jobs.Count == 0 ? "" : null,
            () => $"a job is left: {daemon.Log}");
    }

    private static async Task<string> FailsAsync(string message, string host, params string[] options)
    {
        ToolResult failed = await SshServer.CommandAsync(["-H", host, .. options, "run", "id"]);
        Assert.Equal(125, failed.ExitCode);
        Assert.StartsWith($"pipeforkas: {message}", failed.Error, StringComparison.Ordinal);
        Assert.Equal("", failed.Text);
        return failed.Error;
    }

    private static class Signals
    {
        public const int Interrupt = 2, Kill = 9, Terminate = 15;
    }
}
