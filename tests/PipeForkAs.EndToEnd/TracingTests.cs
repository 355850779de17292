using System.Net.Sockets;
using System.Text.Json.Nodes;
using PipeForkAs.EndToEnd.Harness;
using PipeForkAs.LibC;

namespace PipeForkAs.EndToEnd;

/// <summary>
/// Tests that an ordinary process of the user cannot trace workers: waiting ones, one during the change of ids, and one that runs a
/// function. A worker has the memory of its job host and a socket to the daemon.
/// </summary>
public sealed class TracingTests
{
    private static readonly PasswordEntry Alice = TestUsers.Entry(TestUsers.Alice);

    [Fact(Timeout = Bound.Test)]
    public async Task No_user_can_trace_the_daemon_its_job_hosts_and_waiting_workers()
    {
        await using DaemonProcess daemon = await DaemonProcess.StartAsync();
        await Footprint.AtRestAsync(daemon);
        await TraceFailsAsync(daemon, [daemon.Pid, .. ProcFs.Descendants(daemon.Pid)]);
    }

    /// <summary>The home never answers, so the worker stays in the state with the user's uid, before the job begins.</summary>
    [Fact(Timeout = Bound.Test)]
    public async Task The_user_cannot_trace_a_worker_during_the_change_of_ids()
    {
        (string folder, JsonObject configuration) = DaemonProcess.Prepare();
        await using DaemonProcess daemon = await ApartDaemon.StartAsync(folder, configuration, $"hang {Alice.Home}");
        using Socket client = await Crowd.SendAsync(daemon, $$"""{"job":"id","user":"{{TestUsers.Alice}}"}""");
        await TraceFailsAsync(daemon, [await WorkerAsync(daemon)]);
    }

    [Theory(Timeout = Bound.Test)]
    [InlineData("sleep")]
    [InlineData("ignore-sigterm")]
    public async Task The_user_cannot_trace_a_worker_that_runs_a_function(string job)
    {
        await using DaemonProcess daemon = await DaemonProcess.StartAsync();
        using Socket client = await Crowd.SendAsync(
            daemon, $$$"""{"job":"{{{job}}}","user":"{{{TestUsers.Alice}}}","args":{"seconds":100}}""");
        int worker = await WorkerAsync(daemon);
        await Bound.UntilAsync(() => ProcFs.TakesSignals(worker), () => "the function does not begin");
        await TraceFailsAsync(daemon, [worker]);
    }

    [Fact(Timeout = Bound.Test)]
    public async Task The_user_cannot_trace_the_worker_of_a_running_program()
    {
        await using DaemonProcess daemon = await DaemonProcess.StartAsync(
            configuration => configuration["Commands"] = JsonNode.Parse("""{"nap":{"Command":["/usr/bin/sleep","100"]}}"""));
        using Socket client = await Crowd.SendAsync(daemon, $$"""{"job":"nap","user":"{{TestUsers.Alice}}"}""");
        int worker = await WorkerAsync(daemon);
        await ProgramAsync(worker);
        await TraceFailsAsync(daemon, [worker]);
    }

    /// <summary>Checks that the attempts work on an ordinary process of the user.</summary>
    [Fact(Timeout = Bound.Test)]
    public async Task The_tracing_attempts_succeed_on_ordinary_processes_of_the_user()
    {
        await using DaemonProcess daemon = await DaemonProcess.StartAsync(configuration =>
            configuration["Commands"] =
                new JsonObject { ["nap"] = new JsonObject { ["Command"] = new JsonArray("/usr/bin/sleep", "100") } });
        using Socket client = await Crowd.SendAsync(daemon, $$"""{"job":"nap","user":"{{TestUsers.Alice}}"}""");
        int program = await ProgramAsync(await WorkerAsync(daemon));
        string[] worked = [.. (await TraceAsync(daemon, [program]))
            .Where(line => line.EndsWith(" 0", StringComparison.Ordinal)).Select(line => line.Split(' ')[1])];
        Assert.Equal(["mem", "mem", "environ", "maps", "cwd"], worked.Where(word => word is "mem" or "environ" or "maps" or "cwd"));
    }

    private static async Task<int> WorkerAsync(DaemonProcess daemon)
    {
        IReadOnlyList<int> found = [];
        await Bound.UntilAsync(
            () => (found = [.. daemon.JobHosts.SelectMany(ProcFs.Children).Where(pid => ProcFs.User(pid) == Alice.Uid)]).Count == 1,
            () => $"{found.Count} workers are hers");
        return found[0];
    }

    private static async Task<int> ProgramAsync(int worker)
    {
        await Bound.UntilAsync(
            () => ProcFs.Children(worker) is [var child] && ProcFs.CommandLine(child).Contains("sleep", StringComparison.Ordinal),
            () => "the program does not begin");
        return ProcFs.Children(worker)[0];
    }

    private static async Task TraceFailsAsync(DaemonProcess daemon, int[] pids)
    {
        IReadOnlyList<string> lines = await TraceAsync(daemon, pids);
        Assert.Equal(11 * pids.Length, lines.Count);
        Assert.DoesNotContain(lines, line => line.EndsWith(" 0", StringComparison.Ordinal));
        Assert.All(pids, pid => Assert.True(ProcFs.Stat(pid) is { State: not ('T' or 't' or 'Z') }, $"process {pid} is not as before"));
    }

    private static async Task<IReadOnlyList<string>> TraceAsync(DaemonProcess daemon, int[] pids)
    {
        string program = Path.Combine(daemon.Folder, "trace");
        await CProgram.BuildAsync(Path.Combine(AppContext.BaseDirectory, "Hostile", "trace.c"), program);
        ToolResult result = await Tool.RunAsAsync(TestUsers.Alice, [program, .. pids.Select(pid => $"{pid}")]);
        Assert.Equal((0, ""), (result.ExitCode, result.Error));
        return result.Text.Split('\n', StringSplitOptions.RemoveEmptyEntries);
    }
}
