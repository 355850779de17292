using System.Net.Sockets;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json.Nodes;
using PipeForkAs.EndToEnd.Harness;
using PipeForkAs.LibC;
using PipeForkAs.Protocol.Client;

namespace PipeForkAs.EndToEnd;

/// <summary>A daemon with programs that inspect their standard streams, and the worker between these and the daemon.</summary>
public sealed class PipeDaemon : ConfiguredDaemon
{
    public const int Much = 5_000_000;
    private const string Signals = "1 2 3 4 6 8 10 11 12 13 14 15 31 32 33 34 64";

    protected override void Configure(JsonObject configuration)
    {
        var commands = (JsonObject)configuration["Commands"]!;
        foreach ((string name, string line) in new[]
        {
            ("by-name", "echo e >/dev/stderr; echo o >/dev/stdout; cat /dev/stdin; tee /dev/stderr"),
            ("tee-by-name", "tee /dev/stderr"),
            ("kinds", "for i in 0 1 2; do [ -p /dev/fd/$i ] && echo $i; done; stat -Lc %U /dev/fd/0"),
            ("writes-first", $"head -c {Much} /dev/zero; cat"),
            ("reads-not", "exec <&-; echo closed; sleep 0.3; echo done; exit 6"),
            ("mute", "exec >&- 2>&-; sleep 0.3; exit 7"),
            ("trap", "n=0; trap 'echo term; n=1' TERM; echo ready; while [ $n = 0 ]; do sleep 0.05; done; sleep 0.3; exit 3"),
            ("signal-worker", $"trap '' TERM; for s in {Signals}; do kill -$s $PPID; done; printf late; exit 4"),
            ("stop-worker", "echo stopping; kill -STOP $PPID; sleep 100"),
            ("kill-worker", "echo killing; kill -KILL $PPID; sleep 100"),
        })
            commands[name] = Command(["/bin/sh", "-c", line]);
        commands["bash"] = Command(["/bin/bash", "-c", "echo ran"]);
        commands["size"] = Command(["/usr/bin/head", "-c", "{count}", "/dev/zero"], "count:integer");
        commands["cat-program"] = Command(["/bin/cat"]);
        commands["nap"] = Command(["/usr/bin/sleep", "100"]);
        commands["nap-alone"] = Command(["/usr/bin/setpriv", "--pdeathsig", "clear", "/usr/bin/sleep", "100"]);
        commands["nap-apart"] = Command(["/bin/sh", "-c", "setsid sleep 100 & exec setpriv --pdeathsig clear sleep 100"]);
    }
}

/// <summary>
/// Tests that the standard streams of a program are pipes. The program has the same user as its worker, so it can see and signal the
/// worker, but gains nothing by that.
/// </summary>
public sealed class PipeTests(PipeDaemon shared) : IClassFixture<PipeDaemon>
{
    private readonly DaemonProcess daemon = shared.Daemon;

    private static PasswordEntry Alice => TestUsers.Entry(TestUsers.Alice);

    [Fact(Timeout = Bound.Test)]
    public async Task A_program_opens_its_streams_by_name_and_frames_keep_them_apart()
    {
        FramedReply reply = await RawClient.RunAsync(daemon, "by-name", input: "in\n"u8.ToArray());
        Assert.Equal((ReplyCode.Ok, "o\nin\n", "e\n"), (reply.End.Code, reply.Text, Encoding.UTF8.GetString(reply.Stderr)));

        reply = await RawClient.RunAsync(daemon, "tee-by-name", input: "in\n"u8.ToArray());
        Assert.Equal((ReplyCode.Ok, "in\n", "in\n"), (reply.End.Code, reply.Text, Encoding.UTF8.GetString(reply.Stderr)));
    }

    [Fact(Timeout = Bound.Test)]
    public async Task A_text_reply_keeps_the_order_of_both_outputs()
    {
        Assert.Equal("e\no\nin\n", await TextAsync("by-name", "in\n"));
        Assert.Equal("in\nin\n", await TextAsync("tee-by-name", "in\n"));
    }

    [Fact(Timeout = Bound.Test)]
    public async Task Each_standard_stream_of_a_program_is_a_pipe_of_the_user()
    {
        Assert.Equal($"0\n1\n2\n{TestUsers.Alice}\n", (await RawClient.RunAsync(daemon, "kinds")).Text);
        Assert.Equal($"0\n1\n2\n{TestUsers.Alice}\n", await TextAsync("kinds"));
    }

    [Fact(Timeout = Bound.Test)]
    public async Task Bash_reads_no_file_of_the_home_before_it_runs_a_command()
    {
        string file = Path.Combine(Alice.Home, ".bashrc");
        await File.WriteAllTextAsync(file, "echo sourced\n");
        try
        {
            Assert.Equal("ran\n", await TextAsync("bash"));
        }
        finally
        {
            File.Delete(file);
        }
    }

    [Fact(Timeout = Bound.Test)]
    public async Task Unread_input_does_not_block_a_program_that_writes()
    {
        byte[] input = new byte[PipeDaemon.Much];
        Array.Fill(input, (byte)'x');

        FramedReply reply = await RawClient.RunAsync(daemon, "writes-first", input: input);

        Assert.Equal((ReplyCode.Ok, 2 * PipeDaemon.Much), (reply.End.Code, reply.Stdout.Length));
        Assert.Equal(input, reply.Stdout[PipeDaemon.Much..]);
        Assert.Equal(-1, reply.Stdout.AsSpan(0, PipeDaemon.Much).IndexOfAnyExcept((byte)0));
    }

    [Theory(Timeout = Bound.Test)]
    [InlineData("text")]
    [InlineData("frames")]
    public async Task A_large_stream_passes_unchanged_through_the_pipes_of_a_program(string form)
    {
        byte[] noise = RandomNumberGenerator.GetBytes(64 << 20);

        string line = $$"""{"job":"cat-program","user":"{{TestUsers.Alice}}","reply":"{{form}}"}""" + "\n";
        byte[] reply = await RawClient.AskAsync(daemon, (byte[])[.. Encoding.UTF8.GetBytes(line), .. noise]);

        byte[] output = form == "frames" ? FramedReply.Parse(reply).Stdout : reply;
        Assert.Equal(noise.Length, output.Length);
        Assert.True(noise.AsSpan().SequenceEqual(output));
    }

    [Fact(Timeout = Bound.Test)]
    public async Task A_program_that_closes_a_stream_continues_to_run()
    {
        FramedReply reply = await RawClient.RunAsync(daemon, "reads-not", input: new byte[PipeDaemon.Much]);
        Assert.Equal((ReplyCode.Failed, 6, "closed\ndone\n"), (reply.End.Code, reply.End.Exit, reply.Text));

        reply = await RawClient.RunAsync(daemon, "mute");
        Assert.Equal((ReplyCode.Failed, 7, ""), (reply.End.Code, reply.End.Exit, reply.Text));
    }

    /// <summary>A part is in the worker's pipe when the program has ended, and stays there longer than the grace period.</summary>
    [Fact(Timeout = Bound.Test)]
    public async Task A_client_that_reads_late_gets_all_output_of_a_program()
    {
        int[] sizes = [.. Enumerable.Range(1, 20).Select(i => i * 50_000)];
        await Task.WhenAll(sizes.Select(async size =>
        {
            string line = $$$"""{"job":"size","user":"{{{TestUsers.Alice}}}","args":{"count":{{{size}}}},"reply":"frames"}""";
            using Socket client = await Crowd.SendAsync(daemon, line);
            await Task.Delay(3000);
            var reply = FramedReply.Parse(await RawClient.ReadToEndAsync(client));
            Assert.Equal((ReplyCode.Ok, size), (reply.End.Code, reply.Stdout.Length));
        }));
    }

    [Fact(Timeout = Bound.Test)]
    public async Task A_program_gets_SIGTERM_once_and_its_last_output_is_relayed()
    {
        FramedReply reply = await RawClient.RunAsync(daemon, "trap", more: ""","timeout":0.5""");

        Assert.Equal((ReplyCode.Timeout, 3, "ready\nterm\n"), (reply.End.Code, reply.End.Exit, reply.Text));
    }

    [Fact(Timeout = Bound.Test)]
    public async Task No_blockable_signal_ends_the_worker_of_a_program()
    {
        FramedReply reply = await RawClient.RunAsync(daemon, "signal-worker");

        Assert.Equal((ReplyCode.Failed, 4, "late"), (reply.End.Code, reply.End.Exit, reply.Text));
    }

    [Fact(Timeout = Bound.Test)]
    public async Task A_program_that_stops_its_worker_is_killed_at_its_timeout()
    {
        FramedReply reply = await RawClient.RunAsync(daemon, "stop-worker", more: ""","timeout":1""");

        Assert.Equal((ReplyCode.Timeout, 9), (reply.End.Code, reply.End.Signal));
        await NoProcessLeftAsync();
    }

    [Fact(Timeout = Bound.Test)]
    public async Task A_program_that_kills_its_worker_ends_with_it()
    {
        FramedReply reply = await RawClient.RunAsync(daemon, "kill-worker");

        Assert.Equal((ReplyCode.Signaled, 9), (reply.End.Code, reply.End.Signal));
        await NoProcessLeftAsync();
    }

    /// <summary>Also if the program cleared its parent-death signal, or has processes in other sessions.</summary>
    [Theory(Timeout = Bound.Test)]
    [InlineData("off", "nap")]
    [InlineData("off", "nap-alone")]
    [InlineData("off", "nap-apart")]
    [InlineData("required", "nap")]
    [InlineData("required", "nap-alone")]
    [InlineData("required", "nap-apart")]
    public async Task A_killed_worker_ends_its_program(string cgroup, string job)
    {
        await using DaemonProcess own = await DaemonProcess.StartAsync(configuration =>
        {
            configuration["Limits"]!["Cgroup"] = cgroup;
            JsonNode shared = JsonNode.Parse(File.ReadAllText(Path.Combine(daemon.Folder, "pipeforkas.json")))!;
            configuration["Commands"] = new JsonObject { [job] = shared["Commands"]![job]!.DeepClone() };
        });
        Task<FramedReply> running = RawClient.RunAsync(own, job);
        int count = job == "nap-apart" ? 3 : 2;
        await Bound.UntilAsync(
            () => Living().Count(pid => ProcFs.CommandLine(pid).Split('\0')[0].EndsWith("sleep", StringComparison.Ordinal)) == count - 1,
            () => "the program does not run");
        int worker = Living().Single(pid => ProcFs.Stat(pid) is { } stat && own.JobHosts.Contains(stat.Parent));

        Libc.kill(new ProcessId(worker), Signal.SIGKILL);

        FramedReply reply = await running;
        Assert.Equal((ReplyCode.Signaled, 9, worker), (reply.End.Code, reply.End.Signal, reply.End.Pid));
        await NoProcessLeftAsync();
        Assert.Equal(0, await own.StopAsync());
    }

    [Theory(Timeout = Bound.Test)]
    [InlineData("off")]
    [InlineData("required")]
    public async Task The_worker_does_not_count_against_the_process_limit_of_a_job(string cgroup)
    {
        await using DaemonProcess own = await DaemonProcess.StartAsync(configuration =>
        {
            configuration["Limits"]!["Cgroup"] = cgroup;
            configuration["Limits"]!["Worker"]!["PidsMax"] = 1;
            configuration["Commands"] =
                JsonNode.Parse("""{"one":{"Command":["/bin/echo","one"]},"two":{"Command":["/bin/sh","-c","/bin/echo two; exit $?"]}}""");
        });

        FramedReply reply = await RawClient.RunAsync(own, "one");
        Assert.Equal((ReplyCode.Ok, "one\n"), (reply.End.Code, reply.Text));

        // Without control groups all processes of the user count, including zombies.
        await Bound.UntilAsync(() => !ProcFs.HasAny(Alice.Uid), () => "the first job's worker is not reaped");
        reply = await RawClient.RunAsync(own, "two");
        Assert.Equal((ReplyCode.Failed, ""), (reply.End.Code, reply.Text));
        Assert.Equal(0, await own.StopAsync());
    }

    private static IReadOnlyList<int> Living() => ProcFs.OfUsers([Alice.Uid]);

    private static Task NoProcessLeftAsync() => Bound.UntilAsync(
        () => Living().Count == 0,
        () => string.Join("; ", Living().Select(pid => ProcFs.CommandLine(pid).Replace('\0', ' '))));

    private Task<string> TextAsync(string job, string input = "") =>
        RawClient.TextAsync(daemon, $$"""{"job":"{{job}}","user":"{{TestUsers.Alice}}"}""", input);
}
