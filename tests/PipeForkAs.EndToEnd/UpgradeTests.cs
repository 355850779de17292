using System.Collections.Concurrent;
using System.Diagnostics;
using System.Globalization;
using System.Net.Sockets;
using System.Text;
using System.Text.Json.Nodes;
using PipeForkAs.EndToEnd.Harness;
using PipeForkAs.LibC;
using PipeForkAs.Protocol.Client;
using SocketShutdown = System.Net.Sockets.SocketShutdown;

namespace PipeForkAs.EndToEnd;

/// <summary>Tests a reload after the daemon's executable was replaced.</summary>
public sealed class UpgradeTests
{
    /// <summary>The number of successful upgrades; one more fails in the middle.</summary>
    private const int Upgrades = 20;

    private const string Refused = "configuration not reloaded, the former one still applies";

    [Fact(Timeout = Bound.Test)]
    [Trait("Needs", "quiet")]
    public async Task Upgrades_refuse_no_request_run_none_twice_and_end_no_job()
    {
        await using UpgradableDaemon daemon = await UpgradableDaemon.StartAsync(configuration =>
        {
            configuration["Limits"]!["DrainTimeout"] = "00:01:00";
            configuration["Commands"]!["count"] = new JsonObject
            {
                ["Command"] = new JsonArray("/bin/sh", "-c", "echo x >>\"$1\"", "sh", "{file}"),
                ["Parameters"] = Text("file"),
            };
        });
        string file = Path.Combine(daemon.First.Folder, "counted");
        File.WriteAllText(file, "");
        Libc.chmod(file, 0x1B6); // 0666
        using var stop = new CancellationTokenSource();
        var bad = new ConcurrentBag<string>();
        int count = 0;
        TimeSpan slowest = TimeSpan.Zero;
        Task[] clients = [.. Enumerable.Range(0, 3).Select(_ => Task.Run(async () =>
        {
            while (!stop.IsCancellationRequested)
            {
                long asked = Stopwatch.GetTimestamp();
                FramedReply reply = await RawClient.RunAsync(daemon.First, "count", $$"""{"file":"{{file}}"}""", user: TestUsers.Bob);
                Interlocked.Increment(ref count);
                if (reply.End.Code != ReplyCode.Ok)
                    bad.Add($"{reply.End}");
                TimeSpan took = Stopwatch.GetElapsedTime(asked);
                slowest = took > slowest ? took : slowest;
            }
        }))];

        var idle = new List<Socket>();
        var busy = new List<Task<FramedReply>>();
        for (int i = 0; i <= Upgrades; i++)
        {
            Socket client = await RawClient.ConnectAsync(daemon.First);
            await client.SendAsync(
                Encoding.UTF8.GetBytes($$"""{"job":"cat","user":"{{TestUsers.Alice}}","reply":"frames"}{{'\n'}}before """));
            idle.Add(client);
            busy.Add(RawClient.RunAsync(daemon.First, "sleep", """{"seconds":3}"""));
            await Task.Delay(100);
            int former = daemon.Main;
            if (i == Upgrades / 2)
            {
                daemon.Replace("#!/bin/sh\nexit 3\n");
                daemon.Reload();
                await Bound.UntilAsync(() => daemon.First.Log.Contains(Refused, StringComparison.Ordinal), () => daemon.First.Log);
                continue;
            }

            await daemon.UpgradeAsync();
            Assert.NotEqual(former, daemon.Main);
        }

        foreach (Socket client in idle)
        {
            await client.SendAsync("after"u8.ToArray());
            client.Shutdown(SocketShutdown.Send);
            FramedReply reply = FramedReply.Parse(await RawClient.ReadToEndAsync(client));
            Assert.Equal((ReplyCode.Ok, "before after"), (reply.End.Code, reply.Text));
            client.Dispose();
        }

        Assert.All(await Task.WhenAll(busy), reply => Assert.Equal(ReplyCode.Ok, reply.End.Code));
        await Bound.UntilAsync(() => ProcFs.Children(daemon.Main).Count > 0 && !ProcFs.IsAlive(daemon.First.Pid), () => daemon.First.Log);
        await stop.CancelAsync();
        await Task.WhenAll(clients);
        Console.WriteLine($"measured: {count} requests over {Upgrades} upgrades, slowest answer {slowest.TotalMilliseconds:0} ms");
        Assert.Empty(bad);
        Assert.True(slowest < TimeSpan.FromSeconds(1), $"the slowest answer took {slowest.TotalSeconds} s");
        Assert.Equal(count, File.ReadAllLines(file).Length);
        Assert.DoesNotContain("fail: PipeForkAs.Daemon.DaemonService[5]", daemon.First.Log);
        await daemon.StopAsync();
        Assert.False(File.Exists(daemon.First.Socket));
    }

    [Theory(Timeout = Bound.Test)]
    [InlineData("#!/bin/sh\nexit 3\n", "the new daemon exited before it was ready; see the daemon's log")]
    [InlineData("no program", "ENOEXEC")]
    public async Task If_a_new_daemon_does_not_start_the_former_one_continues(string content, string problem)
    {
        await using UpgradableDaemon daemon = await UpgradableDaemon.StartAsync();
        daemon.Replace(content);
        daemon.Reload();
        await Bound.UntilAsync(() => daemon.First.Log.Contains(Refused, StringComparison.Ordinal), () => daemon.First.Log);
        Assert.True(daemon.First.Log.Contains(problem, StringComparison.Ordinal), daemon.First.Log);
        Assert.Equal(ReplyCode.Ok, (await RawClient.RunAsync(daemon.First, "id")).End.Code);

        await daemon.UpgradeAsync();
        Assert.Equal(ReplyCode.Ok, (await RawClient.RunAsync(daemon.First, "id")).End.Code);
        await daemon.StopAsync();
    }

    [Fact(Timeout = Bound.Test)]
    public async Task The_former_daemon_reports_a_configuration_that_the_new_one_rejects()
    {
        await using UpgradableDaemon daemon = await UpgradableDaemon.StartAsync();
        File.WriteAllText(Path.Combine(daemon.First.Folder, "pipeforkas.json"), """{ "Limits": { "MaxJobs": -3 } }""");
        daemon.Replace();
        daemon.Reload();
        await Bound.UntilAsync(() => daemon.First.Log.Contains($"{Refused}: ", StringComparison.Ordinal), () => daemon.First.Log);
        Assert.Contains("MaxJobs", daemon.First.Log.Split(Refused)[1]);
        Assert.Equal(ReplyCode.Ok, (await RawClient.RunAsync(daemon.First, "id")).End.Code);
        await daemon.StopAsync();
    }

    [Fact(Timeout = Bound.Test)]
    public async Task An_executable_that_other_users_can_write_is_not_started()
    {
        await using UpgradableDaemon daemon = await UpgradableDaemon.StartAsync();
        daemon.Replace("#!/bin/sh\nexit 3\n");
        Libc.chmod(daemon.Executable, 0x1FF); // 0777
        daemon.Reload();
        await Bound.UntilAsync(() => daemon.First.Log.Contains(Refused, StringComparison.Ordinal), () => daemon.First.Log);
        Assert.Contains("the daemon's executable was replaced, but the new one cannot be started", daemon.First.Log);
        await daemon.StopAsync();
    }

    [Fact(Timeout = Bound.Test)]
    public async Task A_stop_reaches_the_former_daemon_and_ends_its_jobs_after_its_drain_time()
    {
        await using UpgradableDaemon daemon = await UpgradableDaemon.StartAsync(
            configuration => configuration["Limits"]!["DrainTimeout"] = "00:00:03");
        Task<FramedReply> job = RawClient.RunAsync(daemon.First, "sleep", """{"seconds":60}""");
        using Socket silent = await RawClient.ConnectAsync(daemon.First);
        await Crowd.UntilAsync(() => daemon.First.Log, _ => ProcFs.Descendants(daemon.First.Pid).Any(), TimeSpan.FromSeconds(10), "no job");
        await RawClient.RunAsync(daemon.First, "id");
        await daemon.UpgradeAsync();
        Assert.True(ProcFs.IsAlive(daemon.First.Pid));
        await daemon.StopAsync();
        Assert.Equal(ReplyCode.ShuttingDown, (await job).End.Code);
        Assert.Equal(0, await daemon.First.EndedAsync());
    }

    /// <summary>systemd sees the end of the new daemon, its child, and decides what to do.</summary>
    [Fact(Timeout = Bound.Test)]
    public async Task A_former_daemon_exits_after_its_last_job_even_if_the_new_one_has_died()
    {
        await using UpgradableDaemon daemon = await UpgradableDaemon.StartAsync();
        Task<FramedReply> job = RawClient.RunAsync(daemon.First, "sleep", """{"seconds":4}""");
        await JobsAsync(daemon, 1);
        await daemon.UpgradeAsync();
        Assert.NotEqual(daemon.First.Pid, ProcFs.Stat(daemon.Main)?.Parent);
        Libc.kill(new ProcessId(daemon.Main), Signal.SIGKILL);
        Assert.Equal(ReplyCode.Ok, (await job).End.Code);
        Assert.Equal(0, await daemon.First.EndedAsync());
        Assert.Contains(", has ended; systemd decides", daemon.First.Log);
    }

    [Fact(Timeout = Bound.Test)]
    public async Task Status_and_cancel_reach_jobs_of_former_daemons()
    {
        await using UpgradableDaemon daemon = await UpgradableDaemon.StartAsync(
            configuration => configuration["Limits"]!["DrainTimeout"] = "00:01:00");
        Task<FramedReply> first = RawClient.RunAsync(daemon.First, "sleep", """{"seconds":50}""");
        await JobsAsync(daemon, 1);
        await daemon.UpgradeAsync();
        Task<FramedReply> second = RawClient.RunAsync(daemon.First, "sleep", """{"seconds":50}""");
        await JobsAsync(daemon, 2);
        await daemon.UpgradeAsync();
        Task<FramedReply> third = RawClient.RunAsync(daemon.First, "sleep", """{"seconds":50}""");
        JsonNode status = await JobsAsync(daemon, 3);
        Assert.Equal(3, status["running"]!.GetValue<int>());
        Assert.NotNull(status["former_daemon"]);
        long[] ids = [.. status["jobs"]!.AsArray().Select(job => job!["id"]!.GetValue<long>())];
        Assert.Equal(ids.Distinct().Order(), ids);
        Assert.Equal(
            ReplyCode.UnknownJob, (await RawClient.FramesAsync(daemon.First, """{"op":"cancel","id":999999,"reply":"frames"}""")).End.Code);
        foreach ((long id, Task<FramedReply> job) in ids.Zip([first, second, third]))
        {
            Assert.False(job.IsCompleted);
            Assert.Equal(ReplyCode.UnknownJob, await CancelAsAliceAsync(daemon, id));
            FramedReply cancelled = await RawClient.FramesAsync(
                daemon.First, string.Create(CultureInfo.InvariantCulture, $$"""{"op":"cancel","id":{{id}},"reply":"frames"}"""));
            Assert.Equal(ReplyCode.Ok, cancelled.End.Code);
            Assert.Equal(ReplyCode.Cancelled, (await job).End.Code);
        }

        await JobsAsync(daemon, 0);
        await UpgradableDaemon.EndedAsync(daemon.First.Pid);
        await daemon.StopAsync();
    }

    [Theory(Timeout = Bound.Test)]
    [InlineData("""{"op":"status"}""")]
    [InlineData("""{"op":"cancel","id":1}""")]
    public async Task A_flood_of_questions_for_a_former_daemon_delays_no_other_caller(string line)
    {
        await using UpgradableDaemon daemon =
            await UpgradableDaemon.StartAsync(configuration => configuration["Limits"]!["DrainTimeout"] = "00:01:00");
        Task<FramedReply>[] jobs =
            [.. Enumerable.Range(0, 60).Select(_ => RawClient.RunAsync(daemon.First, "sleep", """{"seconds":25}"""))];
        await JobsAsync(daemon, jobs.Length);
        await daemon.UpgradeAsync();
        string flood = Path.Combine(daemon.First.Folder, "flood"), request = Path.Combine(daemon.First.Folder, "request");
        await CProgram.BuildAsync(Path.Combine(AppContext.BaseDirectory, "Hostile", "flood.c"), flood);
        await File.WriteAllTextAsync(request, line + "\n");
        Task<string> flooded = Tool.MustAsync(
            flood, "hold", daemon.First.Socket, $"{TestUsers.Entry(TestUsers.Alice).Uid}", "1000", request, "10000");
        await Task.Delay(1000);
        string probed = await Tool.MustAsync(
            flood, "probe", daemon.First.Socket, $"{TestUsers.Entry(TestUsers.Bob).Uid}", "30", request, "100");
        Assert.False(flooded.IsCompleted);
        Assert.InRange(int.Parse(probed.Split(' ')[0], CultureInfo.InvariantCulture), 0, 500);

        // Root gets the complete answer all the time.
        JsonNode status = await JobsAsync(daemon, jobs.Length);
        Assert.Equal(jobs.Length, status["running"]!.GetValue<int>());
        Assert.InRange(status["loop"]!["longest_on_processor"]!.GetValue<double>(), 0, 0.05);
        await flooded;
        await daemon.StopAsync();
        await Task.WhenAll(jobs);
    }

    [Theory(Timeout = Bound.Test)]
    [InlineData(false, "required", "without systemd's notification socket")]
    [InlineData(true, "off", "without control groups")]
    public async Task A_replaced_executable_causes_a_warning_if_no_daemon_can_take_over(bool hasManager, string cgroup, string warning)
    {
        await using UpgradableDaemon daemon = await UpgradableDaemon.StartAsync(
            configuration => configuration["Limits"]!["Cgroup"] = cgroup, hasManager);
        daemon.Replace();
        daemon.Reload();
        await Bound.UntilAsync(() => daemon.First.Log.Contains("configuration reloaded", StringComparison.Ordinal), () => daemon.First.Log);
        Assert.Contains(warning, daemon.First.Log);
        Assert.Equal(0, await daemon.First.StopAsync());
    }

    private static JsonObject Text(string name) => new() { [name] = new JsonObject { ["Type"] = "string" } };

    private static async Task<JsonNode> JobsAsync(UpgradableDaemon daemon, int count)
    {
        JsonNode status = new JsonObject();
        var deadline = Stopwatch.StartNew();
        do
        {
            FramedReply reply = await RawClient.FramesAsync(daemon.First, """{"op":"status","reply":"frames"}""");
            Assert.Equal(ReplyCode.Ok, reply.End.Code);
            status = JsonNode.Parse(reply.Stdout)!;
        }
        while (status["jobs"]!.AsArray().Count != count && deadline.Elapsed < TimeSpan.FromSeconds(20));
        Assert.Equal(count, status["jobs"]!.AsArray().Count);
        return status;
    }

    private static async Task<ReplyCode> CancelAsAliceAsync(UpgradableDaemon daemon, long id)
    {
        string request = string.Create(CultureInfo.InvariantCulture, $$"""{"op":"cancel","id":{{id}},"reply":"frames"}""");
        using var process = new Process
        {
            StartInfo = new ProcessStartInfo(
                "setpriv",
                ["--reuid", TestUsers.Alice, "--regid", TestUsers.Alice, "--init-groups", "--", "socat", "-",
                    $"UNIX-CONNECT:{daemon.First.Socket}"])
            {
                RedirectStandardInput = true,
                RedirectStandardOutput = true,
            },
        };
        process.Start();
        await process.StandardInput.WriteAsync(request + "\n");
        process.StandardInput.Close();
        using var reply = new MemoryStream();
        await process.StandardOutput.BaseStream.CopyToAsync(reply);
        await process.WaitForExitAsync();
        return FramedReply.Parse(reply.ToArray()).End.Code;
    }
}
