using System.Net.Sockets;
using System.Text;
using PipeForkAs.EndToEnd.Harness;
using PipeForkAs.Protocol.Client;

namespace PipeForkAs.EndToEnd;

public sealed class LimitTests
{
    [Fact(Timeout = Bound.Test)]
    public async Task Jobs_beyond_MaxJobs_are_refused_as_busy_until_one_ends()
    {
        await using DaemonProcess daemon = await DaemonProcess.StartAsync(c =>
        {
            (c["Limits"]!["MaxJobs"], c["Limits"]!["MaxJobsPerUid"]) = (3, 100);
            c["Limits"]!["QueueTimeout"] = "00:00:01";
        });
        await BusyAtAsync(daemon, 3, "Limits:MaxJobs)");
    }

    [Fact(Timeout = Bound.Test)]
    public async Task Jobs_beyond_the_limit_of_a_caller_are_busy_and_other_callers_are_served()
    {
        await using DaemonProcess daemon = await DaemonProcess.StartAsync(
            c => (c["Limits"]!["MaxJobsPerUid"], c["Limits"]!["QueueTimeout"]) = (3, "00:00:01"));
        await BusyAtAsync(daemon, 3, "Limits:MaxJobsPerUid)", async () =>
        {
            ToolResult other = await Tool.RunAsAsync(TestUsers.Bob, [NativeBuild.Command, "--socket", daemon.Socket, "run", "id"]);
            Assert.Equal(0, other.ExitCode);
        });
    }

    [Fact(Timeout = Bound.Test)]
    public async Task Connections_beyond_the_limit_of_a_caller_are_busy_in_the_requested_form()
    {
        await using DaemonProcess daemon = await DaemonProcess.StartAsync(c => c["Limits"]!["MaxConnectionsPerUid"] = 5);
        Socket[] silent = await Crowd.ManyAsync(5, 1, _ => RawClient.ConnectAsync(daemon));
        FramedReply refused = await RawClient.RunAsync(daemon, "id");
        Assert.Equal((ReplyCode.Busy, null), (refused.End.Code, refused.End.Pid));
        Assert.Contains("MaxConnectionsPerUid", refused.End.Message);
        Assert.StartsWith("pipeforkas: busy: ", await RawClient.TextAsync(daemon, $$"""{"job":"id","user":"{{TestUsers.Alice}}"}"""));

        // Silent clients get a reply too, and others are served.
        Assert.StartsWith("pipeforkas: busy: ", Encoding.UTF8.GetString(await RawClient.AskAsync(daemon, default, halfClose: false)));
        ToolResult other = await Tool.RunAsAsync(TestUsers.Bob, [NativeBuild.Command, "--socket", daemon.Socket, "run", "id"]);
        Assert.Equal(0, other.ExitCode);

        silent[0].Dispose();
        await ServedAgainAsync(daemon);
        Array.ForEach(silent, socket => socket.Dispose());
    }

    [Fact(Timeout = Bound.Test)]
    public async Task Connections_beyond_the_limit_replace_the_oldest_one_without_a_request()
    {
        await using DaemonProcess daemon = await DaemonProcess.StartAsync(
            c => (c["Limits"]!["MaxConnections"], c["Limits"]!["RootReserve"]) = (4, 0));
        Socket[] silent = await Crowd.ManyAsync(4, 1, _ => RawClient.ConnectAsync(daemon));
        for (int round = 0; round < 3; round++)
        {
            Assert.Equal(ReplyCode.Ok, (await RawClient.RunAsync(daemon, "id")).End.Code);
            string told = Encoding.UTF8.GetString(await RawClient.ReadToEndAsync(silent[round]));
            Assert.StartsWith("pipeforkas: busy: ", told);
            Assert.Contains("(Limits:MaxConnections)", told);
            Assert.True(silent[3].Poll(0, SelectMode.SelectWrite) && !silent[3].Poll(0, SelectMode.SelectRead));
            silent[round].Dispose();
            silent[round] = await RawClient.ConnectAsync(daemon);
        }

        Array.ForEach(silent, socket => socket.Dispose());
        Assert.Equal(0, await daemon.StopAsync());
    }

    [Theory(Timeout = Bound.Test)]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(4)]
    [InlineData(32)]
    public async Task A_burst_is_served_from_a_pool_of_any_size(int workers)
    {
        await using DaemonProcess daemon = await DaemonProcess.StartAsync(c =>
        {
            c["JobHosts"]![0]!["Workers"] = workers;
            c["JobHosts"]![1]!["Workers"] = workers;
            c["Limits"]!["MaxJobsPerUid"] = 256;
        });
        await Crowd.UntilAsync(
            () => ProcFs.Descendants(daemon.Pid).Count(), count => count == 2 + (2 * workers), TimeSpan.FromSeconds(20), "processes");
        FramedReply[] replies = await Crowd.ManyAsync(200, atOnce: 200, i =>
            RawClient.RunAsync(daemon, "sum", $$"""{"a":{{i}},"b":1}""", i % 2 == 0 ? TestUsers.Alice : TestUsers.Bob));
        Assert.All(replies, reply => Assert.True(reply.End.Code == ReplyCode.Ok, $"{reply.End.Code}: {reply.End.Message}; {daemon.Log}"));
        Assert.All(replies.Index(), reply => Assert.Contains($"{reply.Index + 1}", reply.Item.Text));
        Assert.Equal(200, replies.Select(reply => reply.End.Pid).Distinct().Count());
        await Crowd.UntilAsync(
            () => ProcFs.Descendants(daemon.Pid).Count(), count => count == 2 + (2 * workers), TimeSpan.FromSeconds(20), "processes");
        Assert.Equal(0, await daemon.StopAsync());
    }

    [Fact(Timeout = Bound.Test)]
    public async Task A_burst_for_many_users_waits_for_the_user_database()
    {
        await using DaemonProcess daemon = await DaemonProcess.StartAsync();
        FramedReply[] replies = await Crowd.ManyAsync(100, atOnce: 100, i =>
            RawClient.RunAsync(daemon, "id", user: (4_000_000_000u + i).ToString(System.Globalization.CultureInfo.InvariantCulture)));
        Assert.Equal("UnknownUser: 100", Crowd.Tally(replies.Select(reply => reply.End.Code)));
    }

    [Fact(Timeout = Bound.Test)]
    public async Task Silent_and_slow_clients_do_not_disturb_the_others()
    {
        // All belong to root here.
        await using DaemonProcess daemon = await DaemonProcess.StartAsync(c => c["Limits"]!["MaxReceivingPerUid"] = 400);
        Footprint before = await Footprint.AtRestAsync(daemon);
        Socket[] slow = await Crowd.ManyAsync(300, 16, async i =>
        {
            Socket socket = await RawClient.ConnectAsync(daemon);
            if (i % 3 == 1)
                await socket.SendAsync("{\"job\":"u8.ToArray());
            if (i % 3 == 2)
                await socket.SendAsync(Encoding.UTF8.GetBytes($$"""{"job":"id","user":"{{TestUsers.Alice}}"}"""));
            return socket;
        });
        FramedReply[] replies = await Crowd.ManyAsync(200, 8, _ => RawClient.RunAsync(daemon, "id"));
        Assert.Equal("Ok: 200", Crowd.Tally(replies.Select(reply => reply.End.Code)));
        Array.ForEach(slow, socket => socket.Dispose());
        await before.RestoredAsync(daemon, TimeSpan.FromSeconds(10));
    }

    private static async Task BusyAtAsync(DaemonProcess daemon, int jobs, string limit, Func<Task>? meanwhile = null)
    {
        Socket[] running = await Crowd.ManyAsync(jobs, 1, async _ =>
        {
            Socket socket = await Crowd.SendAsync(
                daemon, $$$"""{"job":"ignore-sigterm","user":"{{{TestUsers.Alice}}}","args":{"seconds":100}}""");
            await Crowd.WaitForAsync(socket, "ready");
            return socket;
        });
        FramedReply refused = await RawClient.RunAsync(daemon, "id");
        Assert.Equal((ReplyCode.Busy, null), (refused.End.Code, refused.End.Pid));
        Assert.Contains(limit, refused.End.Message);
        Assert.StartsWith("pipeforkas: busy: ", await RawClient.TextAsync(daemon, $$"""{"job":"id","user":"{{TestUsers.Alice}}"}"""));
        Assert.Equal(ReplyCode.Ok, (await RawClient.FramesAsync(daemon, """{"op":"list","reply":"frames"}""")).End.Code);
        if (meanwhile is not null)
            await meanwhile();
        running[0].Dispose();
        await ServedAgainAsync(daemon);
        Array.ForEach(running, socket => socket.Dispose());
    }

    private static async Task ServedAgainAsync(DaemonProcess daemon)
    {
        for (int i = 0; i < 200; i++)
        {
            if ((await RawClient.RunAsync(daemon, "id")).End.Code == ReplyCode.Ok)
                return;
            await Task.Delay(50);
        }

        Assert.Fail("it stays busy");
    }
}
