using System.Globalization;
using System.Net.Sockets;
using System.Text;
using System.Text.Json.Nodes;
using PipeForkAs.EndToEnd.Harness;
using PipeForkAs.LibC;
using PipeForkAs.Protocol.Client;

namespace PipeForkAs.EndToEnd;

/// <summary>However much one uid asks, others are answered: each of their requests within half a second, and none fails.</summary>
public sealed class FairnessTests
{
    private const int FloodMilliseconds = 5000;
    private const int Probes = 20;
    private const int ProbePauseMilliseconds = 120;
    private const string Plain = """{"job":"id"}""";

    private static uint Alice => TestUsers.Entry(TestUsers.Alice).Uid.Value;

    private static uint Bob => TestUsers.Entry(TestUsers.Bob).Uid.Value;

    [Fact(Timeout = Bound.Test)]
    [Trait("Needs", "quiet")]
    public async Task A_thousand_connections_with_thousands_of_members_each_hold_up_nobody_else()
    {
        await using DaemonProcess daemon = await DaemonProcess.StartAsync();
        string members = string.Join(',', Enumerable.Range(0, 6500).Select(i => $"\"{i:x}\":0"));
        await OthersAreAnsweredAsync(daemon, [(Alice, 1000)], $$$"""{"job":"id","user":"root","args":{{{{members}}}}}""");
    }

    /// <summary>What may be in a request is bounded; one that has as much as it may is still long work.</summary>
    [Fact(Timeout = Bound.Test)]
    [Trait("Needs", "quiet")]
    public async Task A_thousand_connections_with_the_most_that_a_request_may_hold_hold_up_nobody_else()
    {
        await using DaemonProcess daemon = await DaemonProcess.StartAsync();
        string value = "\\u0041\\u00e9" + new string('v', 34);
        string members = string.Join(',', Enumerable.Range(0, 1000).Select(i => $"\"\\u0061{i:x4}\":\"{value}\""));
        await OthersAreAnsweredAsync(daemon, [(Alice, 1000)], $$$"""{"job":"id","user":"root","args":{{{{members}}}}}""");
    }

    [Fact(Timeout = Bound.Test)]
    [Trait("Needs", "quiet")]
    public async Task Thousands_of_connections_of_subordinate_ids_hold_up_nobody_else()
    {
        await using DaemonProcess daemon = await DaemonProcess.StartAsync();
        await OthersAreAnsweredAsync(daemon, [.. Enumerable.Range(0, 5).Select(i => (TestUsers.FirstUnusedUid + (uint)i, 1024))], "");
    }

    [Fact(Timeout = Bound.Test)]
    [Trait("Needs", "quiet")]
    public async Task Plain_requests_that_PAM_is_asked_about_hold_up_nobody_else()
    {
        using var service = new PamService(own =>
        {
            File.WriteAllText(own.Program, "#!/bin/sh\nsleep 0.1\n");
            File.SetUnixFileMode(own.Program, (UnixFileMode)0x1ED); // 0755
            return $"account required pam_exec.so quiet {own.Program}\naccount required pam_permit.so\n";
        });
        await using DaemonProcess daemon = await DaemonProcess.StartAsync(c =>
        {
            c["Policy"] = new JsonObject { ["PamService"] = service.Name };
            (c["Limits"]!["MaxJobsPerUid"], c["Limits"]!["LookupCacheTime"]) = (4, "00:00:01");
        });
        await OthersAreAnsweredAsync(daemon, [(Alice, 500)], Plain);
    }

    [Fact(Timeout = Bound.Test)]
    public async Task An_administrator_gets_in_where_all_connections_and_all_jobs_are_taken()
    {
        await using DaemonProcess daemon = await DaemonProcess.StartAsync(
            c => (c["Limits"]!["MaxConnections"], c["Limits"]!["MaxJobs"], c["Limits"]!["MaxQueued"], c["Limits"]!["RootReserve"]) = (
                20, 2, 10, 16));
        string program = await BuildAsync(daemon);
        string jobs = await WriteAsync(daemon, "jobs", """{"job":"ignore-sigterm","args":{"seconds":100}}""");
        string silence = await WriteAsync(daemon, "silence", "");
        Task held = Task.WhenAll(HoldAsync(program, daemon, Alice, 8, jobs), HoldAsync(program, daemon, Bob, 30, silence));
        await Crowd.UntilAsync(
            () => ProcFs.OfUsers([new UserId(Alice)]).Count, count => count >= 3, TimeSpan.FromSeconds(20), "jobs of the attacker's");

        for (int i = 0; i < 10; i++)
        {
            FramedReply reply = await RawClient.RunAsync(daemon, "id");
            Assert.True(reply.End.Code == ReplyCode.Ok, $"{reply.End.Code}: {reply.End.Message}");
            await Task.Delay(50);
        }

        await held;
    }

    [Fact(Timeout = Bound.Test)]
    public async Task Five_hundred_requests_of_one_uid_at_once_are_all_served()
    {
        await using DaemonProcess daemon = await DaemonProcess.StartAsync(c =>
        {
            (c["Limits"]!["MaxJobsPerUid"], c["Limits"]!["MaxQueued"]) = (500, 500);
            c["Limits"]!["QueueTimeout"] = "00:00:50";
        });
        string request = await WriteAsync(daemon, "request", Plain);
        string answered = await Tool.MustAsync(await BuildAsync(daemon), "burst", daemon.Socket, Text(Alice), "500", request, "0");
        Assert.Equal("500\n", answered);
    }

    [Fact(Timeout = Bound.Test)]
    public async Task The_oldest_connection_that_sent_no_request_makes_room_and_is_told()
    {
        await using DaemonProcess daemon = await DaemonProcess.StartAsync(
            c => (c["Limits"]!["MaxConnections"], c["Limits"]!["RootReserve"]) = (8, 0));
        Assert.Equal(ReplyCode.Ok, (await RawClient.RunAsync(daemon, "id")).End.Code);
        Footprint rest = await Footprint.AtRestAsync(daemon);
        using Socket own = await RawClient.ConnectAsync(daemon);
        string program = await BuildAsync(daemon);
        string silence = await WriteAsync(daemon, "silence", ""), request = await WriteAsync(daemon, "request", Plain);
        Task held = HoldAsync(program, daemon, Alice, 7, silence);
        await Crowd.UntilAsync(
            () => ProcFs.Descriptors(daemon.Pid), count => count >= rest.Descriptors + 8, TimeSpan.FromSeconds(20), "descriptors");
        string probed = await Tool.MustAsync(program, "probe", daemon.Socket, Text(Bob), "20", request, "20");
        Assert.EndsWith(" 0\n", probed, StringComparison.Ordinal);
        await held;
        await own.SendAsync(Encoding.UTF8.GetBytes($$"""{"job":"id","user":"{{TestUsers.Alice}}"}""" + "\n"));
        own.Shutdown(System.Net.Sockets.SocketShutdown.Send);
        Assert.StartsWith("uid=", Encoding.UTF8.GetString(await RawClient.ReadToEndAsync(own)));
        Assert.Contains("code=busy", daemon.Log);
        Assert.Contains("Limits:MaxConnections", daemon.Log);
    }

    /// <summary>The kernel's queue of connections knows no turns: what is in front of another's must be little work.</summary>
    [Fact(Timeout = Bound.Test)]
    [Trait("Needs", "quiet")]
    public async Task Connections_that_are_closed_as_soon_as_they_are_made_hold_up_nobody_else()
    {
        await using DaemonProcess daemon = await DaemonProcess.StartAsync();
        await OthersAreAnsweredAsync(daemon, [(Alice, 1)], "", "churn", "eager");
    }

    [Fact(Timeout = Bound.Test)]
    [Trait("Needs", "quiet")]
    public async Task Callers_in_as_many_groups_as_there_can_be_hold_up_nobody_else()
    {
        await using DaemonProcess daemon = await DaemonProcess.StartAsync();
        await OthersAreAnsweredAsync(daemon, [(Alice, 50)], Plain, "groups");
    }

    private static async Task OthersAreAnsweredAsync(
        DaemonProcess daemon, IReadOnlyList<(uint Uid, int Count)> attackers, string line, string way = "hold", string probe = "probe")
    {
        string program = await BuildAsync(daemon);
        string flood = await WriteAsync(daemon, "flood-request", line), request = await WriteAsync(daemon, "request", Plain);
        await Bystander.IsNotDelayedAsync(async () =>
        {
            Task floods = Task.WhenAll(attackers.Select(attacker => HoldAsync(program, daemon, attacker.Uid, attacker.Count, flood, way)));
            await Task.Delay(1000);
            string probed = await Tool.MustAsync(
                program, probe, daemon.Socket, Text(Bob), Text(Probes), request, Text(ProbePauseMilliseconds));
            await floods;
            string[] parts = probed.Split(' ', '\n');
            Assert.Equal("0", parts[1]);
            return TimeSpan.FromMilliseconds(int.Parse(parts[0], CultureInfo.InvariantCulture));
        });
        Assert.Equal(ReplyCode.Ok, (await RawClient.RunAsync(daemon, "id")).End.Code);
        Assert.Equal(0, await daemon.StopAsync());
    }

    private static Task<string> HoldAsync(string program, DaemonProcess daemon, uint uid, int count, string request, string way = "hold") =>
        Tool.MustAsync(program, way, daemon.Socket, Text(uid), Text(count), request, Text(FloodMilliseconds));

    private static string Text(long number) => number.ToString(CultureInfo.InvariantCulture);

    private static async Task<string> BuildAsync(DaemonProcess daemon)
    {
        string program = Path.Combine(daemon.Folder, "flood");
        string source = Path.Combine(AppContext.BaseDirectory, "Hostile", "flood.c");
        await CProgram.BuildAsync(source, program);
        return program;
    }

    private static async Task<string> WriteAsync(DaemonProcess daemon, string name, string line)
    {
        string path = Path.Combine(daemon.Folder, name);
        await File.WriteAllTextAsync(path, line.Length == 0 ? "" : line + "\n");
        return path;
    }
}
