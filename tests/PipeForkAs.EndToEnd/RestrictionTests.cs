using System.Net.Sockets;
using System.Text;
using System.Text.Json.Nodes;
using PipeForkAs.EndToEnd.Harness;
using PipeForkAs.Protocol.Client;

namespace PipeForkAs.EndToEnd;

/// <summary>A daemon with limits of every kind.</summary>
public sealed class RestrictionDaemon : ConfiguredDaemon
{
    protected override void Configure(JsonObject configuration)
    {
        configuration["Limits"]!["OutputLimit"] = 1_000_000;
        configuration["Limits"]!["Worker"] = JsonNode.Parse(
            """
            {"MemoryMax":1073741824,"PidsMax":100,"OpenFiles":500,"CpuSeconds":50,
            "FileSize":10000000,"Umask":"0027","Nice":3,"OomScoreAdj":200}
            """);
        var commands = (JsonObject)configuration["Commands"]!;
        const string Show =
            "ulimit -Hn; ulimit -Ht; ulimit -Hc; ulimit -Hf; ulimit -Hd; ulimit -Hu; umask; nice; cat /proc/self/oom_score_adj";
        commands["limits"] = Command(["/bin/bash", "-c", Show]);
        commands["limits-tighter"] = Command(["/bin/bash", "-c", Show]);
        commands["limits-tighter"]!["Limits"] = JsonNode.Parse(
            """
            {"MemoryMax":104857600,"PidsMax":50,"OpenFiles":100,"CpuSeconds":10,
            "FileSize":1048576,"Umask":"0077","Nice":7,"OomScoreAdj":300}
            """);
        commands["limits-tightest"] = commands["limits-tighter"]!.DeepClone();
        commands["spin"] = Command(["/bin/bash", "-c", "while :; do :; done"]);
        commands["spin"]!["Limits"] = JsonNode.Parse("""{"CpuSeconds":1}""");
        commands["forks"] = Command(["/bin/bash", "-c", "for i in $(seq 60); do sleep 20 & done; echo all"]);
        commands["forks"]!["Limits"] = JsonNode.Parse("""{"PidsMax":20}""");
        commands["hog"] = Command(["/usr/bin/head", "-c", "400M", "/dev/zero"]);
        commands["memory"] = Command(["/bin/bash", "-c", "x=$(head -c 300M /dev/zero | tr '\\0' x); echo ${#x}"]);
        commands["memory"]!["Limits"] = JsonNode.Parse("""{"MemoryMax":67108864}""");
        commands["large-file"] = Command(["/bin/bash", "-c", "trap '' XFSZ; head -c 20M /dev/zero >~/large; wc -c <~/large; rm ~/large"]);
        commands["ten"] = Command(["/usr/bin/printf", "0123456789"]);
        commands["ten"]!["OutputLimit"] = 10;
        commands["eleven"] = Command(["/usr/bin/printf", "0123456789x"]);
        commands["eleven"]!["OutputLimit"] = 10;
        commands["nothing"] = Command(["/usr/bin/printf", "x"]);
        commands["nothing"]!["OutputLimit"] = 0;
        configuration["Jobs"] = JsonNode.Parse(
            """
            {"limits-tightest":{"Limits":{"OpenFiles":50,"Nice":9}},"sleep":{"Timeout":"00:00:01"},"ignore-sigterm":{"OutputLimit":3}}
            """);
    }
}

/// <summary>Tests the limits of jobs, from inside, and the end of a job that reaches one.</summary>
public sealed class RestrictionTests(RestrictionDaemon shared) : IClassFixture<RestrictionDaemon>
{
    private readonly DaemonProcess daemon = shared.Daemon;

    /// <summary>Without control groups the limit of processes applies to the user, and includes the worker of the program.</summary>
    [Theory(Timeout = Bound.Test)]
    [InlineData("limits", "500 50 0 9765 1048576 101 0027 3 200")]
    [InlineData("limits-tighter", "100 10 0 1024 102400 51 0077 7 300")]
    [InlineData("limits-tightest", "50 10 0 1024 102400 51 0077 9 300")]
    public async Task A_job_has_the_general_limits_and_its_own_tighter_ones(string job, string limits)
    {
        FramedReply reply = await RawClient.RunAsync(daemon, job);

        Assert.Equal(limits, reply.Text.TrimEnd().Replace('\n', ' '));
    }

    [Fact(Timeout = Bound.Test)]
    public async Task A_job_that_exceeds_its_processor_time_is_killed()
    {
        FramedReply reply = await RawClient.RunAsync(daemon, "spin");
        Assert.Equal((ReplyCode.Signaled, 9), (reply.End.Code, reply.End.Signal));
    }

    [Fact(Timeout = Bound.Test)]
    public async Task A_job_cannot_exceed_its_number_of_processes()
    {
        FramedReply reply = await RawClient.RunAsync(daemon, "forks", more: ""","timeout":5""");
        Assert.DoesNotContain("all", reply.Text);
        Assert.Contains("Resource temporarily unavailable", Encoding.UTF8.GetString(reply.Stderr));
        await Bound.UntilAsync(() => ProcFs.OfUsers([TestUsers.Entry(TestUsers.Alice).Uid]).Count == 0, () => "processes are still alive");
    }

    [Fact(Timeout = Bound.Test)]
    public async Task A_job_that_exceeds_its_memory_is_killed()
    {
        FramedReply reply = await RawClient.RunAsync(daemon, "memory");
        Assert.NotEqual("314572800\n", reply.Text);
        Assert.NotEqual(ReplyCode.Ok, reply.End.Code);
    }

    [Fact(Timeout = Bound.Test)]
    public async Task A_job_cannot_exceed_its_file_size()
    {
        FramedReply reply = await RawClient.RunAsync(daemon, "large-file");
        Assert.Equal("10000000\n", reply.Text);
        Assert.Contains("File too large", Encoding.UTF8.GetString(reply.Stderr));
    }

    [Theory(Timeout = Bound.Test)]
    [InlineData("ten", "0123456789", ReplyCode.Ok)]
    [InlineData("eleven", "0123456789", ReplyCode.OutputLimit)]
    [InlineData("nothing", "", ReplyCode.OutputLimit)]
    [InlineData("ignore-sigterm", "rea", ReplyCode.OutputLimit)]
    public async Task A_job_that_exceeds_its_output_limit_is_killed(string job, string output, ReplyCode code)
    {
        string arguments = job == "ignore-sigterm" ? """{"seconds":100}""" : "{}";
        FramedReply reply = await RawClient.RunAsync(daemon, job, arguments);

        Assert.Equal((code, output, output.Length), (reply.End.Code, reply.Text, reply.End.Stdout));
        Assert.Empty(ProcFs.OfUsers([TestUsers.Entry(TestUsers.Alice).Uid]));
    }

    [Theory(Timeout = Bound.Test)]
    [InlineData("text")]
    [InlineData("frames")]
    public async Task The_output_limit_is_exact_also_for_spliced_output(string form)
    {
        byte[] reply = await RawClient.AskAsync(
            daemon, Encoding.UTF8.GetBytes(
                $$$"""{"job":"flood","user":"{{{TestUsers.Alice}}}","reply":"{{{form}}}","args":{"bytes":0}}""" + "\n"));

        if (form == "frames")
        {
            FramedReply framed = FramedReply.Parse(reply);
            Assert.Equal((ReplyCode.OutputLimit, 1_000_000), (framed.End.Code, framed.Stdout.Length + framed.Stderr.Length));
            Assert.Equal(1_000_000, framed.End.Stdout + framed.End.Stderr);
            return;
        }

        string[] ends = Encoding.UTF8.GetString(reply).Split("\npipeforkas: ");
        Assert.Equal(1_000_000, ends[0].Length);
        Assert.StartsWith("output-limit: the job exceeded OutputLimit", ends[1]);
    }

    [Fact(Timeout = Bound.Test)]
    public async Task The_configuration_shortens_the_timeout_of_a_function()
    {
        FramedReply reply = await RawClient.RunAsync(daemon, "sleep", """{"seconds":100}""");
        Assert.Equal(ReplyCode.Timeout, reply.End.Code);
        Assert.Contains("1 s", reply.End.Message);
    }

    [Fact(Timeout = Bound.Test)]
    public async Task An_unknown_argument_to_audit_fails_the_start()
    {
        (string folder, JsonObject configuration) = DaemonProcess.Prepare();
        configuration["Jobs"] = JsonNode.Parse("""{"sleep":{"AuditArguments":["Seconds"]}}""");
        await using DaemonProcess own = DaemonProcess.Launch(folder, configuration);

        Assert.Equal(78, await own.EndedAsync());
        Assert.Contains("Jobs:sleep:AuditArguments: names the argument \"Seconds\", which the job does not have", own.Log);
        Assert.DoesNotContain("stopped", own.Log);
    }

    [Fact(Timeout = Bound.Test)]
    public async Task A_restriction_of_an_unregistered_job_fails_the_start()
    {
        (string folder, JsonObject configuration) = DaemonProcess.Prepare();
        configuration["Jobs"] = JsonNode.Parse("""{"slep":{"Timeout":"00:00:01"}}""");
        await using DaemonProcess own = DaemonProcess.Launch(folder, configuration);

        Assert.Equal(78, await own.EndedAsync());
        Assert.Contains("Jobs:slep: restricts a job that is not registered", own.Log);
    }

    [Fact(Timeout = Bound.Test)]
    public async Task A_request_waits_for_a_slot_and_then_runs()
    {
        await using DaemonProcess own = await DaemonProcess.StartAsync(
            c => (c["Limits"]!["MaxJobs"], c["Limits"]!["MaxQueued"], c["Limits"]!["QueueTimeout"]) = (1, 2, "00:01:00"));
        Socket running = await Crowd.SendAsync(own, $$$"""{"job":"graceful","user":"{{{TestUsers.Alice}}}"}""");
        await Crowd.WaitForAsync(running, "ready");
        List<Task<FramedReply>> three = [RawClient.RunAsync(own, "id"), RawClient.RunAsync(own, "id"), RawClient.RunAsync(own, "id")];

        // Two of them wait; which ones depends on the order of the user lookups.
        Task<FramedReply> refused = await Task.WhenAny(three);
        three.Remove(refused);
        Assert.Equal(ReplyCode.Busy, (await refused).End.Code);
        Assert.Contains("Limits:MaxJobs", (await refused).End.Message);
        Assert.DoesNotContain(three, waiting => waiting.IsCompleted);
        running.Dispose();
        Assert.All(await Task.WhenAll(three), reply => Assert.Equal(ReplyCode.Ok, reply.End.Code));
        Assert.Equal(0, await own.StopAsync());
    }

    [Fact(Timeout = Bound.Test)]
    public async Task A_request_that_waits_too_long_for_a_slot_is_busy_and_a_stop_ends_the_wait()
    {
        await using DaemonProcess own = await DaemonProcess.StartAsync(
            c => (c["Limits"]!["MaxJobsPerUid"], c["Limits"]!["QueueTimeout"], c["Limits"]!["DrainTimeout"]) = (
                1, "00:00:00.3", "00:00:00"));
        Socket running = await Crowd.SendAsync(own, $$$"""{"job":"sleep","user":"{{{TestUsers.Alice}}}","args":{"seconds":100}}""");
        await Bound.UntilAsync(() => ProcFs.OfUsers([TestUsers.Entry(TestUsers.Alice).Uid]).Count > 0, () => "the job does not start");

        FramedReply late = await RawClient.RunAsync(own, "id");
        Assert.Equal((ReplyCode.Busy, null), (late.End.Code, late.End.Pid));
        Assert.Contains("for 0.3 s now", late.End.Message);

        using (await Crowd.SendAsync(own, $$$"""{"job":"id","user":"{{{TestUsers.Alice}}}"}"""))
        {
        }

        Assert.Equal(0, await own.StopAsync());
        running.Dispose();
    }
}
