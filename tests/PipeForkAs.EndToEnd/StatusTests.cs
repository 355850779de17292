using System.Globalization;
using System.Net.Sockets;
using System.Text;
using System.Text.Json;
using System.Text.RegularExpressions;
using PipeForkAs.EndToEnd.Harness;
using PipeForkAs.Protocol.Client;

namespace PipeForkAs.EndToEnd;

/// <summary>Tests which callers see and may cancel which running jobs.</summary>
public sealed class StatusTests
{
    private static readonly TimeSpan Soon = TimeSpan.FromSeconds(20);

    [Fact(Timeout = Bound.Test)]
    public async Task Root_sees_all_jobs_and_job_hosts_and_other_callers_only_their_own_jobs()
    {
        await using DaemonProcess daemon = await DaemonProcess.StartAsync();
        using Socket ofRoot = await BeginAsync(daemon, "graceful");
        Task<ToolResult> ofAlice = AsAsync(daemon, TestUsers.Alice, "run", "cat-forever");
        Assert.Equal(127, (await ofAlice).ExitCode); // Refused requests are counted, and are not jobs.
        ofAlice = AsAsync(daemon, TestUsers.Alice, "run", "graceful");
        DaemonStatus all = await UntilAsync(daemon, status => status.Jobs.Count == 2);

        Assert.Equal([0u, TestUsers.Entry(TestUsers.Alice).Uid.Value], all.Jobs.Select(job => job.Caller));
        Assert.All(
            all.Jobs,
            job => Assert.Equal(("graceful", TestUsers.Alice, TestUsers.Entry(TestUsers.Alice).Uid.Value), (job.Job, job.User, job.Uid)));
        Assert.Equal(TestUsers.AliceUid, ProcFs.StatusField(all.Jobs[0].Pid, "Uid").Split(' ')[0]);
        Assert.Equal([NativeBuild.StockJobs, NativeBuild.TestJobs], all.Hosts!.Select(host => host.Path));
        Assert.Equal(daemon.JobHosts.Order(), all.Hosts!.SelectMany(host => host.Pids).Order());
        Assert.All(all.Hosts!, host => Assert.True(host.Well && host.Workers == 2));
        Assert.True(all is { Running: 2, Waiting: 0 } && all.Uptime > TimeSpan.Zero);
        Assert.True(all.Jobs.All(job => job.Age >= TimeSpan.Zero && job.Age <= all.Uptime));
        Assert.Equal(1, all.Codes["unknown-job"] + all.Codes["denied"]);
        Assert.Equal(1, all.Refused);

        DaemonStatus alices = await StatusAsync(daemon, TestUsers.Alice);
        Assert.Equal([all.Jobs[1].Id], alices.Jobs.Select(job => job.Id));
        Assert.Equal((2, null, all.Version), (alices.Running, alices.Hosts, alices.Version));
        DaemonStatus bobs = await StatusAsync(daemon, TestUsers.Bob);
        Assert.Equal((0, 2, null), (bobs.Jobs.Count, bobs.Running, bobs.Hosts));
        Assert.True(bobs.Served > all.Served);

        string text = await RawClient.TextAsync(daemon, """{"op":"status"}""");
        Assert.Matches($@"(?m)^  {all.Jobs[0].Id} +\S+ s +0 +{TestUsers.Alice} +{all.Jobs[0].Pid} +graceful$", text);
        Assert.Equal(127, (await AsAsync(daemon, TestUsers.Bob, "cancel", Text(all.Jobs[1].Id))).ExitCode);
        Assert.Equal(0, (await AsAsync(daemon, TestUsers.Alice, "cancel", Text(all.Jobs[1].Id))).ExitCode);
        await ofAlice;
    }

    [Fact(Timeout = Bound.Test)]
    public async Task For_cancel_a_job_of_another_caller_is_unknown_like_one_that_does_not_run()
    {
        await using DaemonProcess daemon = await DaemonProcess.StartAsync();
        using Socket client = await BeginAsync(daemon, "graceful");
        RunningJobStatus job = Assert.Single((await UntilAsync(daemon, status => status.Jobs.Count == 1)).Jobs);

        // Also for the user that it runs as: it belongs to the caller.
        foreach (string stranger in new[] { TestUsers.Alice, TestUsers.Bob })
        {
            ToolResult others = await AsAsync(daemon, stranger, "cancel", Text(job.Id));
            ToolResult nobodys = await AsAsync(daemon, stranger, "cancel", Text(job.Id + 1000));
            Assert.Equal((127, 127, ""), (others.ExitCode, nobodys.ExitCode, others.Text + nobodys.Text));
            Assert.Equal(Regex.Replace(nobodys.Error, "[0-9]+", "N"), Regex.Replace(others.Error, "[0-9]+", "N"));
        }

        Assert.Equal(job.Id, Assert.Single((await StatusAsync(daemon, "root")).Jobs).Id);
        Assert.True(ProcFs.IsThere(job.Pid));
    }

    [Theory(Timeout = Bound.Test)]
    [InlineData("text")]
    [InlineData("frames")]
    public async Task A_cancelled_job_gets_SIGTERM_and_its_client_a_reply(string form)
    {
        await using DaemonProcess daemon = await DaemonProcess.StartAsync();
        using Socket client = await BeginAsync(daemon, "graceful", form);
        RunningJobStatus job = Assert.Single((await UntilAsync(daemon, status => status.Jobs.Count == 1)).Jobs);

        Assert.Equal("", await RawClient.TextAsync(daemon, $$"""{"op":"cancel","id":{{job.Id}}}"""));
        byte[] reply = await RawClient.ReadToEndAsync(client);
        if (form == "text")
        {
            Assert.Matches(@"^cancelled\npipeforkas: cancelled: [^\n]*by a request[^\n]*\n$", Encoding.UTF8.GetString(reply));
        }
        else
        {
            var framed = FramedReply.Parse(reply);
            Assert.Equal((ReplyCode.Cancelled, "cancelled\n", job.Pid), (framed.End.Code, framed.Text, framed.End.Pid));
        }

        await UntilAsync(daemon, status => status is { Jobs.Count: 0, Running: 0 } && status.Codes["cancelled"] == 1);
        Assert.Contains(
            "unknown-job", await RawClient.TextAsync(daemon, $$"""{"op":"cancel","id":{{job.Id}}}"""), StringComparison.Ordinal);
    }

    [Fact(Timeout = Bound.Test)]
    public async Task A_cancelled_job_that_ignores_SIGTERM_is_killed_with_its_descendants()
    {
        await using DaemonProcess daemon = await DaemonProcess.StartAsync();
        Footprint before = await Footprint.AtRestAsync(daemon);
        using Socket client = await BeginAsync(daemon, "ignore-sigterm");
        RunningJobStatus job = Assert.Single((await UntilAsync(daemon, status => status.Jobs.Count == 1)).Jobs);
        await RawClient.TextAsync(daemon, $$"""{"op":"cancel","id":{{job.Id}}}""");
        await RawClient.TextAsync(daemon, $$"""{"op":"cancel","id":{{job.Id}}}"""); // A second time changes nothing.

        Assert.Contains(
            "pipeforkas: cancelled: ", Encoding.UTF8.GetString(await RawClient.ReadToEndAsync(client)), StringComparison.Ordinal);
        client.Dispose();
        await before.RestoredAsync(daemon, Soon);
        Assert.False(ProcFs.IsThere(job.Pid));
    }

    [Fact(Timeout = Bound.Test)]
    public async Task No_two_jobs_have_the_same_id()
    {
        await using DaemonProcess daemon = await DaemonProcess.StartAsync();
        long last = 0;
        for (int i = 0; i < 3; i++)
        {
            using Socket client = await BeginAsync(daemon, "graceful");
            RunningJobStatus job = Assert.Single((await UntilAsync(daemon, status => status.Jobs.Count == 1)).Jobs);
            Assert.True(job.Id > last, $"{job.Id} came after {last}");
            last = job.Id;
            client.Dispose();
            await UntilAsync(daemon, status => status.Jobs.Count == 0);
        }
    }

    [Fact(Timeout = Bound.Test)]
    public async Task The_command_writes_the_metrics_of_the_running_daemon()
    {
        await using DaemonProcess daemon = await DaemonProcess.StartAsync();
        Assert.Equal("denied", (await RawClient.RunAsync(daemon, "id", user: "root")).End.Code.ToWire());
        ToolResult metrics = await Tool.RunAsync([NativeBuild.Command, "--socket", daemon.Socket, "status", "--prometheus"]);
        Assert.Equal((0, ""), (metrics.ExitCode, metrics.Error));
        Assert.Contains("\npipeforkas_requests_total{code=\"denied\"} 1\n", metrics.Text, StringComparison.Ordinal);
        Assert.Contains($"\npipeforkas_job_host_up{{path=\"{NativeBuild.StockJobs}\"}} 1\n", metrics.Text, StringComparison.Ordinal);
        Assert.Equal(Enum.GetValues<ReplyCode>().Length, metrics.Text.Split("pipeforkas_requests_total{").Length - 1);
    }

    private static string Text(long id) => id.ToString(CultureInfo.InvariantCulture);

    /// <summary>A job that root requested as alice, and that reports that it is ready.</summary>
    private static async Task<Socket> BeginAsync(DaemonProcess daemon, string job, string form = "text")
    {
        string args = job == "ignore-sigterm" ? """{"seconds":100}""" : "{}";
        Socket client = await Crowd.SendAsync(
            daemon, $$$"""{"job":"{{{job}}}","user":"{{{TestUsers.Alice}}}","reply":"{{{form}}}","args":{{{args}}}}""");
        await Crowd.WaitForAsync(client, "ready\n");
        return client;
    }

    private static Task<ToolResult> AsAsync(DaemonProcess daemon, string user, params string[] words) =>
        Tool.RunAsAsync(user, [NativeBuild.Command, "--socket", daemon.Socket, .. words]);

    private static async Task<DaemonStatus> StatusAsync(DaemonProcess daemon, string user)
    {
        ToolResult status = await AsAsync(daemon, user, "status", "--json");
        Assert.Equal((0, ""), (status.ExitCode, status.Error));
        return JsonSerializer.Deserialize(status.Text, DaemonStatusJson.Default.DaemonStatus)!;
    }

    private static async Task<DaemonStatus> UntilAsync(DaemonProcess daemon, Predicate<DaemonStatus> holds)
    {
        using var deadline = new CancellationTokenSource(Soon);
        while (true)
        {
            DaemonStatus status = await new Client.PipeForkAsClient(daemon.Socket).StatusAsync(deadline.Token);
            if (holds(status))
                return status;
            await Task.Delay(20, deadline.Token);
        }
    }
}
