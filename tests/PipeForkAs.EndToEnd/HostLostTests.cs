using System.Diagnostics;
using PipeForkAs.EndToEnd.Harness;
using PipeForkAs.LibC;
using PipeForkAs.Protocol.Client;

namespace PipeForkAs.EndToEnd;

public sealed class HostLostTests
{
    private const int Kills = 20;
    private const int Askers = 8;

    [Fact(Timeout = Bound.Test)]
    public async Task A_job_host_killed_under_load_loses_only_the_requests_in_flight()
    {
        // A job counts until its processes have ended, which takes long on a busy machine.
        await using DaemonProcess daemon = await DaemonProcess.StartAsync(
            c => (c["Limits"]!["MaxJobs"], c["Limits"]!["MaxJobsPerUid"]) = (1000, 1000));
        await RawClient.RunAsync(daemon, "exit", """{"code":0}""");
        Footprint before = await Footprint.AtRestAsync(daemon);
        string file = Path.Combine(daemon.Folder, "runs");
        await File.WriteAllTextAsync(file, "");
        Libc.chmod(file, 0x1B6); // 0666

        using var over = new CancellationTokenSource();
        Task<List<(string Token, ReplyCode Code)>>[] askers = [
            .. Enumerable.Range(0, Askers).Select(asker => AskOnAsync(daemon, file, asker, over.Token))];
        var random = new Random(7);
        var dead = new List<int>();
        for (int i = 0; i < Kills; i++)
        {
            await Task.Delay(random.Next(20, 120));
            int host = await TestHostAsync(daemon, dead);
            int[] workers = [.. ProcFs.Children(host)];
            Libc.kill(new ProcessId(host), Signal.SIGKILL);
            dead.Add(host);
            dead.AddRange(workers);
            FramedReply next = await RawClient.RunAsync(daemon, "sum", """{"a":1,"b":2}""");
            Assert.True(next.End.Code is ReplyCode.Ok or ReplyCode.HostLost, $"{next.End}");
            Assert.Equal(ReplyCode.Ok, (await RawClient.RunAsync(daemon, "sum", """{"a":1,"b":2}""")).End.Code);
        }

        await over.CancelAsync();
        (string Token, ReplyCode Code)[] answers = [.. (await Task.WhenAll(askers)).SelectMany(list => list)];
        TestContext.Current.SendDiagnosticMessage(
            "{0} requests over {1} lives of a job host: {2}", answers.Length, Kills + 1,
            Crowd.Tally(answers.Select(answer => answer.Code)));

        Assert.All(answers, answer => Assert.True(answer.Code is ReplyCode.Ok or ReplyCode.HostLost, $"{answer}"));
        Assert.Contains(answers, answer => answer.Code == ReplyCode.HostLost);
        Dictionary<string, int> runs = (await File.ReadAllLinesAsync(file)).CountBy(line => line).ToDictionary();
        Assert.All(runs, run => Assert.Equal(1, run.Value));
        Assert.All(answers.Where(answer => answer.Code == ReplyCode.Ok), answer => Assert.True(runs.ContainsKey(answer.Token)));

        await before.RestoredAsync(daemon, TimeSpan.FromSeconds(20));
        Assert.Equal(2, daemon.JobHosts.Count);
        Assert.All(
            dead, pid =>
                Assert.True(
                    ProcFs.Stat(pid) is not { } stat || stat.Parent != daemon.Pid, $"process {pid} of a dead job host is still there"));
        Assert.Equal(0, await daemon.StopAsync());
    }

    [Fact(Timeout = Bound.Test)]
    public async Task Running_jobs_and_waiting_workers_end_with_their_job_host()
    {
        await using DaemonProcess daemon = await DaemonProcess.StartAsync();
        Task<FramedReply> running = RawClient.RunAsync(daemon, "ignore-sigterm", """{"seconds":100}""");
        Task<FramedReply> other = RawClient.RunAsync(daemon, "sleep", """{"seconds":100}""");
        int host = await TestHostAsync(daemon, []);
        await Bound.UntilAsync(() => ProcFs.Children(host).Count >= 4, () => "two workers run and two wait");
        int[] workers = [.. ProcFs.Children(host)];

        Libc.kill(new ProcessId(host), Signal.SIGKILL);
        foreach (FramedReply reply in await Task.WhenAll(running, other))
            Assert.Equal((ReplyCode.HostLost, null, null), (reply.End.Code, reply.End.Exit, reply.End.Signal));
        await Crowd.UntilAsync(
            () => workers.Append(host).Count(ProcFs.IsThere), left => left == 0, TimeSpan.FromSeconds(10),
            "processes of the dead job host");
        Assert.Equal(ReplyCode.Ok, (await RawClient.RunAsync(daemon, "sum", """{"a":1,"b":2}""")).End.Code);
    }

    [Fact(Timeout = Bound.Test)]
    public async Task Killed_waiting_workers_are_replaced()
    {
        await using DaemonProcess daemon = await DaemonProcess.StartAsync();
        for (int i = 0; i < 5; i++)
        {
            Footprint before = await Footprint.AtRestAsync(daemon);
            int[] waiting = [.. daemon.JobHosts.SelectMany(ProcFs.Children)];
            foreach (int pid in waiting)
                Libc.kill(new ProcessId(pid), Signal.SIGKILL);
            await Crowd.UntilAsync(() => waiting.Count(ProcFs.IsThere), left => left == 0, TimeSpan.FromSeconds(10), "killed workers");
            await before.RestoredAsync(daemon, TimeSpan.FromSeconds(10));
            Assert.Equal(ReplyCode.Ok, (await RawClient.RunAsync(daemon, "sum", """{"a":1,"b":2}""")).End.Code);
        }

        Assert.DoesNotContain("is lost", daemon.Log);
    }

    private static async Task<List<(string Token, ReplyCode Code)>> AskOnAsync(
        DaemonProcess daemon, string file, int asker, CancellationToken over)
    {
        var answers = new List<(string, ReplyCode)>();
        for (int i = 0; !over.IsCancellationRequested; i++)
        {
            // Parse checks that each reply has exactly one end record.
            string token = $"{asker}-{i}";
            try
            {
                FramedReply reply = await RawClient.RunAsync(
                    daemon, "append", $$"""{"path":"{{file}}","text":"{{token}}","seconds":{{(i % 4 == 0 ? "0.03" : "0")}}}""");
                answers.Add((token, reply.End.Code));
            }
            catch (FormatException failure)
            {
                throw new InvalidOperationException($"the request {token} has no end: {daemon.Log}", failure);
            }
        }

        return answers;
    }

    private static Task<int> TestHostAsync(DaemonProcess daemon, List<int> dead) => Crowd.UntilAsync(
        () => daemon.JobHosts.Except(dead).FirstOrDefault(pid => Footprint.ProgramOf(pid) == NativeBuild.TestJobs), pid => pid != 0,
        TimeSpan.FromSeconds(20), "no job host is started again");
}
