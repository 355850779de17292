using System.Collections.Concurrent;
using System.Diagnostics;
using System.Net.Sockets;
using System.Text.Json;
using System.Text.Json.Nodes;
using PipeForkAs.EndToEnd.Harness;
using PipeForkAs.LibC;
using PipeForkAs.Protocol.Client;

namespace PipeForkAs.EndToEnd;

/// <summary>
/// Tests the replacement of job hosts by a reload: the new one serves new requests, the former one exits after its last job.
/// </summary>
public sealed class DeploymentTests
{
    private const int Deployments = 20;
    private const int Broken = 7;
    private const int Askers = 6;

    /// <summary>The maximum time of a reply while job hosts are replaced.</summary>
    private static readonly TimeSpan Slowest = TimeSpan.FromSeconds(1);

    [Fact(Timeout = Bound.Test)]
    [Trait("Needs", "quiet")]
    public async Task Twenty_deployments_under_load_refuse_nothing_run_nothing_twice_and_end_no_job()
    {
        await using DaemonProcess daemon = await StartAsync();
        string file = Path.Combine(daemon.Folder, "runs");
        await File.WriteAllTextAsync(file, "");
        Libc.chmod(file, 0x1B6); // 0666
        using Socket idle = await Crowd.SendAsync(daemon, $$"""{"job":"count-stdin","user":"{{TestUsers.Alice}}"}""");
        Task<FramedReply> busy = RawClient.RunAsync(daemon, "sleep", """{"seconds":600}""");
        var answers = new ConcurrentBag<(string Token, ReplyCode Code, TimeSpan Took)>();
        using var over = new CancellationTokenSource();
        Task[] askers = [.. Enumerable.Range(0, Askers).Select(asker => AskOnAsync(daemon, file, asker, answers, over.Token))];
        for (int i = 0; i < Deployments; i++)
        {
            int seen = answers.Count;
            await Bound.UntilAsync(
                () => answers.Count >= seen + 20 || Array.Exists(askers, static asker => asker.IsFaulted), () => "there is no load");
            Deploy(daemon, i == Broken ? "/bin/true" : NativeBuild.TestJobs);
            FramedReply reload = await ReloadAsync(daemon);
            Assert.Equal(i == Broken ? ReplyCode.Failed : ReplyCode.Ok, reload.End.Code);
            Assert.Equal(i == Broken, reload.Text.Contains($"{HostOf(daemon)} cannot serve", StringComparison.Ordinal));
        }

        await over.CancelAsync();
        await Task.WhenAll(askers);
        Assert.All(answers, answer => Assert.Equal(ReplyCode.Ok, answer.Code));
        string[] runs = await File.ReadAllLinesAsync(file);
        Assert.Equal(answers.Select(answer => answer.Token).Order(StringComparer.Ordinal), runs.Order(StringComparer.Ordinal));
        TimeSpan slowest = answers.Max(answer => answer.Took);
        Console.WriteLine(
            $"measured: {answers.Count} requests over {Deployments} deployments, slowest answer {slowest.TotalMilliseconds:0} ms");
        Assert.True(slowest < Slowest, $"an answer took {slowest}");

        // The two jobs of the first one still run in processes of a deleted file; then these end, and nothing of them is left.
        DaemonStatus status = await StatusAsync(daemon);
        Assert.Equal(["count-stdin", "sleep"], status.Jobs.Select(job => job.Job).Order(StringComparer.Ordinal));
        JobHostStatus former = Assert.Single(status.Hosts!, host => host.Draining);
        Assert.Equal(HostOf(daemon), former.Path);
        await RawClient.TextAsync(daemon, $$"""{"op":"cancel","id":{{status.Jobs.Single(job => job.Job == "sleep").Id}}}""");
        Assert.Equal(ReplyCode.Cancelled, (await busy).End.Code);
        await idle.SendAsync(new byte[1234]);
        idle.Shutdown(System.Net.Sockets.SocketShutdown.Send);
        Assert.StartsWith("1234", System.Text.Encoding.UTF8.GetString(await RawClient.ReadToEndAsync(idle)), StringComparison.Ordinal);
        await Bound.UntilAsync(() => !former.Pids.Any(ProcFs.IsThere), () => daemon.Log);
        Assert.Equal(2, daemon.JobHosts.Count);
        Assert.DoesNotContain((await StatusAsync(daemon)).Hosts!, host => host.Draining);
        Assert.Equal(0, await daemon.StopAsync());
    }

    [Fact(Timeout = Bound.Test)]
    public async Task Changed_executables_and_entries_update_the_jobs_and_removed_ones_remove_theirs()
    {
        JsonObject configuration = null!;
        await using DaemonProcess daemon = await StartAsync(made => configuration = made);
        int[] before = [.. daemon.JobHosts];
        Assert.Equal("changed nothing", $"changed {await ChangedAsync(daemon)}");
        Assert.Equal(before, daemon.JobHosts);

        // Another executable has other jobs. The other job host continues.
        Deploy(daemon, NativeBuild.StockJobs);
        configuration["JobHosts"]!.AsArray().RemoveAt(0);
        await WriteAsync(daemon, configuration);
        Assert.Contains($"the executable {HostOf(daemon)}", await ChangedAsync(daemon));
        Assert.Equal(ReplyCode.Ok, (await RawClient.RunAsync(daemon, "echo", """{"text":"x"}""")).End.Code);
        Assert.Equal(ReplyCode.UnknownJob, (await RawClient.RunAsync(daemon, "sum", """{"a":1,"b":2}""")).End.Code);

        // A second entry with the same jobs is a duplicate, so nothing is applied.
        configuration["JobHosts"]!.AsArray().Add(new JsonObject { ["Path"] = NativeBuild.StockJobs });
        configuration["Commands"]!["hello"] = new JsonObject { ["Command"] = new JsonArray("/bin/echo", "hello") };
        await WriteAsync(daemon, configuration);
        FramedReply twice = await ReloadAsync(daemon);
        Assert.Equal(ReplyCode.Failed, twice.End.Code);
        Assert.Contains("is also a job of", twice.Text);
        Assert.Equal(ReplyCode.UnknownJob, (await RawClient.RunAsync(daemon, "hello")).End.Code);

        // A second job host beside it, and a command that the first one runs.
        configuration["JobHosts"]![1]!["Path"] = NativeBuild.TestJobs;
        await WriteAsync(daemon, configuration);
        Assert.Equal(ReplyCode.Ok, (await ReloadAsync(daemon)).End.Code);
        Assert.Equal("hello\n", (await RawClient.RunAsync(daemon, "hello")).Text);
        Assert.Equal(ReplyCode.Ok, (await RawClient.RunAsync(daemon, "sum", """{"a":1,"b":2}""")).End.Code);
        await Bound.UntilAsync(() => daemon.JobHosts.Count(pid => Footprint.ProgramOf(pid) != "pipeforkasd") == 2, () => daemon.Log);
        Assert.Equal(0, await daemon.StopAsync());
    }

    [Fact(Timeout = Bound.Test)]
    public async Task A_waiting_request_runs_in_the_job_host_that_it_was_checked_against()
    {
        JsonObject configuration = null!;
        await using DaemonProcess daemon = await StartAsync(made =>
        {
            configuration = made;
            (made["Limits"]!["MaxJobs"], made["Limits"]!["QueueTimeout"]) = (1, "00:01:00");
        });
        using Socket running = await Crowd.SendAsync(daemon, $$"""{"job":"count-stdin","user":"{{TestUsers.Alice}}"}""");
        await ShowsAsync(daemon, "jobs: 1 running");
        Task<FramedReply> waiting = RawClient.RunAsync(daemon, "sum", """{"a":1,"b":2}""");
        await ShowsAsync(daemon, ", 1 waiting");

        // The new one has no such job.
        configuration["JobHosts"]!.AsArray().RemoveAt(1);
        await WriteAsync(daemon, configuration);
        Assert.Equal(ReplyCode.Ok, (await ReloadAsync(daemon)).End.Code);
        Assert.Equal(ReplyCode.UnknownJob, (await RawClient.RunAsync(daemon, "sum", """{"a":1,"b":2}""")).End.Code);
        running.Shutdown(System.Net.Sockets.SocketShutdown.Send);
        Assert.Equal(ReplyCode.Ok, (await waiting).End.Code);
        await Bound.UntilAsync(() => daemon.Log.Contains("has exited after its last request", StringComparison.Ordinal), () => daemon.Log);
        Assert.Equal(0, await daemon.StopAsync());
    }

    [Fact(Timeout = Bound.Test)]
    public async Task A_stop_while_job_hosts_of_several_deployments_have_jobs_ends_them_all()
    {
        await using DaemonProcess daemon = await StartAsync(made => made["Limits"]!["DrainTimeout"] = "00:00:01");
        var running = new List<Task<FramedReply>>();
        for (int i = 0; i < 3; i++)
        {
            running.Add(RawClient.RunAsync(daemon, "sleep", """{"seconds":600}"""));
            await ShowsAsync(daemon, $"jobs: {running.Count} running");
            Deploy(daemon, NativeBuild.TestJobs);
            Assert.Equal(ReplyCode.Ok, (await ReloadAsync(daemon)).End.Code);
        }

        Assert.Equal(3, (await StatusAsync(daemon)).Hosts!.Count(host => host.Draining));
        Assert.Contains("draining, ", await RawClient.TextAsync(daemon, """{"op":"status"}"""));
        Assert.Equal(0, await daemon.StopAsync());
        Assert.All(await Task.WhenAll(running), reply => Assert.Equal(ReplyCode.ShuttingDown, reply.End.Code));
    }

    [Fact(Timeout = Bound.Test)]
    public async Task A_replaced_job_host_that_dies_loses_its_jobs_and_is_not_restarted()
    {
        await using DaemonProcess daemon = await StartAsync();
        Task<FramedReply> running = RawClient.RunAsync(daemon, "sleep", """{"seconds":600}""");
        await ShowsAsync(daemon, "jobs: 1 running");
        Deploy(daemon, NativeBuild.TestJobs);
        Assert.Equal(ReplyCode.Ok, (await ReloadAsync(daemon)).End.Code);
        int former = Assert.Single(Assert.Single((await StatusAsync(daemon)).Hosts!, host => host.Draining).Pids);
        Libc.kill(new ProcessId(former), Signal.SIGKILL);
        Assert.Equal(ReplyCode.HostLost, (await running).End.Code);
        await Bound.UntilAsync(() => daemon.Log.Contains("has exited after its last request", StringComparison.Ordinal), () => daemon.Log);
        Assert.Equal(2, (await StatusAsync(daemon)).Hosts!.Count);
        Assert.Equal(ReplyCode.Ok, (await RawClient.RunAsync(daemon, "sum", """{"a":1,"b":2}""")).End.Code);
        Assert.Equal(0, await daemon.StopAsync());
    }

    /// <summary>A daemon whose second job host is a copy of the test job host, which can be replaced.</summary>
    private static Task<DaemonProcess> StartAsync(Action<JsonObject>? configure = null) => DaemonProcess.StartAsync(made =>
    {
        string path = Path.Combine(Path.GetDirectoryName((string)made["Socket"]!["Path"]!)!, "jobs");
        made["JobHosts"]![1]!["Path"] = path;
        Put(path, NativeBuild.TestJobs);
        configure?.Invoke(made);
    });

    private static string HostOf(DaemonProcess daemon) => Path.Combine(daemon.Folder, "jobs");

    private static void Deploy(DaemonProcess daemon, string program) => Put(HostOf(daemon), program);

    /// <summary>As a package does: atomically renames the new file to the path of the former one.</summary>
    private static void Put(string path, string program)
    {
        File.Copy(program, path + ".new", overwrite: true);
        File.Move(path + ".new", path, overwrite: true);
    }

    private static async Task ShowsAsync(DaemonProcess daemon, string text)
    {
        while (!(await RawClient.TextAsync(daemon, """{"op":"status"}""")).Contains(text, StringComparison.Ordinal))
            await Task.Delay(20);
    }

    private static Task WriteAsync(DaemonProcess daemon, JsonObject configuration) =>
        File.WriteAllTextAsync(Path.Combine(daemon.Folder, "pipeforkas.json"), configuration.ToJsonString());

    private static Task<FramedReply> ReloadAsync(DaemonProcess daemon) =>
        RawClient.FramesAsync(daemon, """{"op":"reload","reply":"frames"}""");

    private static async Task<string> ChangedAsync(DaemonProcess daemon)
    {
        FramedReply reply = await ReloadAsync(daemon);
        Assert.Equal((ReplyCode.Ok, null), (reply.End.Code, reply.End.Message));
        return reply.Text.Length == 0 ? "nothing" : reply.Text;
    }

    private static async Task<DaemonStatus> StatusAsync(DaemonProcess daemon) => JsonSerializer.Deserialize(
        (await RawClient.FramesAsync(daemon, """{"op":"status","reply":"frames"}""")).Stdout, DaemonStatusJson.Default.DaemonStatus)!;

    private static async Task AskOnAsync(
        DaemonProcess daemon, string file, int asker,
        ConcurrentBag<(string Token, ReplyCode Code, TimeSpan Took)> answers, CancellationToken over)
    {
        for (int i = 0; !over.IsCancellationRequested; i++)
        {
            string token = $"{asker}-{i}";
            long begun = Stopwatch.GetTimestamp();
            double asleep = i % 4 == 0 ? 0.03 : 0;
            FramedReply reply = await RawClient.RunAsync(
                daemon, "append", FormattableString.Invariant($$"""{"path":"{{file}}","text":"{{token}}","seconds":{{asleep}}}"""));
            answers.Add((token, reply.End.Code, Stopwatch.GetElapsedTime(begun) - TimeSpan.FromSeconds(asleep)));
        }
    }
}
