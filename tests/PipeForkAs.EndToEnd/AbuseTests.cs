using System.Globalization;
using System.Net.Sockets;
using System.Text.Json;
using PipeForkAs.EndToEnd.Harness;
using PipeForkAs.LibC;
using PipeForkAs.Protocol.Client;

namespace PipeForkAs.EndToEnd;

public sealed class AbuseTests(SharedDaemon shared) : IClassFixture<SharedDaemon>
{
    private readonly DaemonProcess daemon = shared.Daemon;

    [Fact(Timeout = Bound.Test)]
    public async Task Lies_garbage_and_descriptors_on_the_control_socket_gain_nothing()
    {
        await RawClient.RunAsync(daemon, "control-abuse");
        Footprint before = await Footprint.AtRestAsync(daemon);
        int[] hosts = [.. daemon.JobHosts];
        for (int i = 0; i < 100; i++)
        {
            FramedReply reply = await RawClient.RunAsync(daemon, "control-abuse");
            Assert.Equal((ReplyCode.Ok, 0, "done\n"), (reply.End.Code, reply.End.Exit, reply.Text));
        }

        await before.RestoredAsync(daemon, TimeSpan.FromSeconds(10));
        Assert.Equal(hosts.Order(), daemon.JobHosts.Order());
        Assert.Equal(ReplyCode.Ok, (await RawClient.RunAsync(daemon, "id")).End.Code);
    }

    /// <summary>
    /// The daemon does not read the socket of a worker while its job runs: sent data counts for the user of the job, and is discarded with
    /// the job.
    /// </summary>
    [Fact(Timeout = Bound.Test)]
    public async Task A_control_socket_full_of_descriptors_delays_nothing_and_ends_with_its_job()
    {
        await RawClient.RunAsync(daemon, "control-flood");
        Footprint before = await Footprint.AtRestAsync(daemon);
        FramedReply[] replies = await Crowd.ManyAsync(64, atOnce: 8, _ => RawClient.RunAsync(daemon, "control-flood"));
        Assert.All(replies, reply =>
        {
            Assert.Equal((ReplyCode.Ok, 0), (reply.End.Code, reply.End.Exit));
            Assert.Matches(
                "^read nothing\ndescriptors (went|did not go) until [^\n]*\nbytes (went|did not go) until [^\n]*\ndone\n$", reply.Text);
        });
        Assert.Contains(replies, reply => reply.Text.Contains(
            Kernel.RefusesDescriptors ? $"descriptors did not go until {Errno.EPERM}" : "descriptors went until",
            StringComparison.Ordinal));
        Assert.DoesNotContain("until never", string.Concat(replies.Select(reply => reply.Text)));
        await before.RestoredAsync(daemon, TimeSpan.FromSeconds(10));

        // The daemon collects garbage when it has been idle for a moment.
        await Bound.UntilAsync(
            () => Footprint.Of(daemon).GrewLessThan(before, 16 * 1024 * 1024), () => $"{before} became {Footprint.Of(daemon)}");
    }

    [Fact(Timeout = Bound.Test)]
    public async Task A_job_cannot_claim_that_it_never_ran()
    {
        FramedReply reply = await RawClient.RunAsync(daemon, "forge-step");
        Assert.Equal((ReplyCode.Ok, 0, "done\n"), (reply.End.Code, reply.End.Exit, reply.Text));
        Assert.DoesNotContain("forged", daemon.Log);
    }

    /// <summary>Its client gets the reply at once, and the job has the same grace period as after SIGTERM.</summary>
    [Fact(Timeout = Bound.Test)]
    public async Task A_job_that_reports_its_end_but_continues_is_killed_after_the_grace_period()
    {
        Footprint before = await Footprint.AtRestAsync(daemon);
        string reply = await RawClient.TextAsync(
            daemon, $$$"""{"job":"claim-return","user":"{{{TestUsers.Alice}}}","args":{"seconds":50}}""");
        int pid = int.Parse(reply, CultureInfo.InvariantCulture);
        await Crowd.UntilAsync(() => ProcFs.IsThere(pid), isThere => !isThere, TimeSpan.FromSeconds(20), "the job that had returned");
        await before.RestoredAsync(daemon, TimeSpan.FromSeconds(10));
        Assert.Contains($"worker_pid={pid}", daemon.Log);
    }

    [Fact(Timeout = Bound.Test)]
    public async Task A_process_that_keeps_the_control_socket_delays_no_request()
    {
        FramedReply reply = await RawClient.RunAsync(daemon, "hold-control", """{"seconds":60}""");
        int holder = int.Parse(reply.Text, CultureInfo.InvariantCulture);
        try
        {
            // If the daemon waited for the holder of the socket, it would not reply for a minute.
            Assert.Equal(ReplyCode.Ok, reply.End.Code);
            Assert.Equal(ReplyCode.Ok, (await RawClient.RunAsync(daemon, "id").WaitAsync(TimeSpan.FromSeconds(30))).End.Code);
            await Crowd.UntilAsync(
                () => ProcFs.IsThere(holder), isThere => !isThere, TimeSpan.FromSeconds(30), "the process that holds the socket");
        }
        finally
        {
            Libc.kill(new ProcessId(holder), Signal.SIGKILL);
        }
    }

    [Fact(Timeout = Bound.Test)]
    public async Task A_job_can_neither_signal_nor_trace_the_daemon_job_hosts_and_workers_of_others()
    {
        using Socket other = await Crowd.SendAsync(
            daemon, $$$"""{"job":"ignore-sigterm","user":"{{{TestUsers.Bob}}}","args":{"seconds":50}}""");
        await Crowd.WaitForAsync(other, "ready");
        int[] pids = [daemon.Pid, .. ProcFs.Descendants(daemon.Pid)];
        await AttackFailsAsync(pids);

        // The attack has no lasting effect, also on the pool.
        Assert.All(pids, pid => Assert.True(ProcFs.Stat(pid) is null or { State: not ('T' or 't') }, $"process {pid} is stopped"));
        Assert.Equal(ReplyCode.Ok, (await RawClient.RunAsync(daemon, "id")).End.Code);
    }

    [Fact(Timeout = Bound.Test)]
    public async Task A_job_cannot_trace_another_worker_of_the_same_user()
    {
        using Socket other = await Crowd.SendAsync(
            daemon, $$$"""{"job":"ignore-sigterm","user":"{{{TestUsers.Alice}}}","args":{"seconds":50}}""");
        await Crowd.WaitForAsync(other, "ready");
        UserId alice = TestUsers.Entry(TestUsers.Alice).Uid;
        int[] own = [.. ProcFs.Descendants(daemon.Pid).Where(pid => ProcFs.User(pid) == alice)];
        Assert.Single(own);

        // Processes of one user may signal each other, but must not read the memory of a worker.
        IReadOnlyList<JsonElement> worked = await AttackAsync(own);
        Assert.All(worked, attempt => Assert.StartsWith("kill", attempt.GetProperty("what").GetString()));
    }

    [Fact(Timeout = Bound.Test)]
    public async Task A_job_that_stops_itself_is_killed_at_its_timeout()
    {
        FramedReply reply = await RawClient.RunAsync(daemon, "stop-self", more: ",\"timeout\":0.5");
        Assert.Equal((ReplyCode.Timeout, null, 9, "stopping\n"), (reply.End.Code, reply.End.Exit, reply.End.Signal, reply.Text));
    }

    [Fact(Timeout = Bound.Test)]
    public async Task A_stopped_job_of_a_disconnected_client_is_killed()
    {
        Footprint before = await Footprint.AtRestAsync(daemon);
        using (Socket client = await Crowd.SendAsync(daemon, $$"""{"job":"stop-self","user":"{{TestUsers.Alice}}"}"""))
            await Crowd.WaitForAsync(client, "stopping");
        await before.RestoredAsync(daemon, TimeSpan.FromSeconds(20));
    }

    private async Task AttackFailsAsync(int[] pids) => Assert.Empty(await AttackAsync(pids));

    private async Task<IReadOnlyList<JsonElement>> AttackAsync(int[] pids)
    {
        FramedReply reply = await RawClient.RunAsync(daemon, "attack", $$"""{"pids":[{{string.Join(',', pids)}}]}""");
        Assert.True(reply.End.Code is ReplyCode.Ok or ReplyCode.Failed, $"{reply.End}");
        using JsonDocument attempts = JsonDocument.Parse(reply.Text);
        Assert.True(attempts.RootElement.GetArrayLength() >= 7);
        return [.. attempts.RootElement.EnumerateArray().Where(attempt => attempt.GetProperty("succeeded").GetBoolean()).Select(
            attempt => attempt.Clone())];
    }
}
