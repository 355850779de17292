using System.Globalization;
using System.Text;
using System.Text.Json.Nodes;
using PipeForkAs.EndToEnd.Harness;
using PipeForkAs.Jobs;
using PipeForkAs.Jobs.Testing;

namespace PipeForkAs.EndToEnd;

/// <summary>What authors test their jobs with: a daemon of the test's own, and a tester in the test's process that says the same.</summary>
public sealed class TestDaemonTests
{
    private static TestDaemonOptions Options(Action<JsonObject>? configure = null) => new()
    {
        Program = NativeBuild.Daemon,
        JobHosts = [NativeBuild.ReadmeJobs],
        Configure = configure,
    };

    [Fact(Timeout = Bound.Test)]
    public async Task A_daemon_of_the_tests_own_runs_a_job_as_the_user_and_leaves_nothing_behind()
    {
        Assert.Null(TestDaemon.Obstacle(NativeBuild.Daemon));
        string folder;
        int[] family;
        await using (TestDaemon daemon = await TestDaemon.StartAsync(Options()))
        {
            folder = Path.GetDirectoryName(daemon.SocketPath)!;
            JobOutput output = await daemon.Client.CaptureAsync(new JobRequest("motto") { User = TestUsers.Alice });
            Assert.Equal("eggman", output.EnsureSuccess().StdoutText);
            Assert.Equal(TestUsers.AliceUid, output.Result.Uid!.Value.ToString(CultureInfo.InvariantCulture));
            ToolResult asked = await Tool.RunAsAsync(TestUsers.Bob, [NativeBuild.Command, "--socket", daemon.SocketPath, "run", "motto"]);
            Assert.Equal("eggman", asked.Text);
            family = [daemon.ProcessId, .. ProcFs.Descendants(daemon.ProcessId)];
            Assert.True(family.Length > 2, daemon.Log);
            Assert.Equal(0, await daemon.StopAsync());
        }

        Assert.False(Directory.Exists(folder));
        Assert.DoesNotContain(family, ProcFs.IsAlive);
    }

    [Fact(Timeout = Bound.Test)]
    public async Task A_daemon_that_is_only_disposed_stops_too()
    {
        int pid;
        await using (TestDaemon daemon = await TestDaemon.StartAsync(Options()))
            pid = daemon.ProcessId;
        Assert.False(ProcFs.IsAlive(pid));
    }

    [Fact(Timeout = Bound.Test)]
    public async Task The_configuration_of_a_test_applies()
    {
        await using TestDaemon daemon = await TestDaemon.StartAsync(Options(configuration => configuration["Policy"] = new JsonObject
        {
            ["Rules"] = new JsonArray(new JsonObject
            {
                ["Name"] = "greet-alone",
                ["Callers"] = new JsonArray("root"),
                ["Jobs"] = new JsonArray("greet"),
                ["As"] = new JsonArray(TestUsers.Alice),
            }),
        }));
        Assert.Equal(ReplyCode.Denied, (await daemon.Client.RunAsync(new JobRequest("motto") { User = TestUsers.Alice })).Code);
        Assert.Equal(0, await daemon.StopAsync());
    }

    [Fact(Timeout = Bound.Test)]
    public async Task A_daemon_that_does_not_start_says_why()
    {
        InvalidOperationException refused = await Assert.ThrowsAsync<InvalidOperationException>(
            () => TestDaemon.StartAsync(Options(configuration => configuration["No"] = "such key")));
        Assert.Contains("No", refused.Message);
        Assert.Contains("does not answer", refused.Message);
        InvalidOperationException missing = await Assert.ThrowsAsync<InvalidOperationException>(
            () => TestDaemon.StartAsync(new TestDaemonOptions { Program = "no-such-daemon" }));
        Assert.Equal("there is no program no-such-daemon", missing.Message);
    }

    /// <summary>The tester in the process of the test and the daemon agree about the jobs of README.</summary>
    [Fact(Timeout = Bound.Test)]
    public async Task A_job_in_the_tests_process_ends_as_with_the_daemon()
    {
        var tester = new JobTester(Register);
        await using TestDaemon daemon = await TestDaemon.StartAsync(Options());
        Assert.Equal(
            (await daemon.Client.ListAsync()).Select(job => job.Name).Order(StringComparer.Ordinal),
            tester.Jobs.Select(job => job.Name).Order(StringComparer.Ordinal));
        Assert.Equal(
            (await daemon.Client.DescribeAsync("greet")).Arguments.ToString(), tester.Describe("greet").Arguments.ToString());

        foreach (JobRequest request in Requests())
        {
            JobOutput here = await tester.CaptureTextAsync(request, "one\ntwo\n");
            using var input = new MemoryStream("one\ntwo\n"u8.ToArray());
            JobOutput there = await daemon.Client.CaptureAsync(request with { User = TestUsers.Alice }, input);
            Assert.Equal(Summary(there), Summary(here));
        }

        Assert.Equal(0, await daemon.StopAsync());
    }

    private static IEnumerable<JobRequest> Requests()
    {
        yield return new JobRequest("motto");
        yield return new JobRequest("motto") { Arguments = "{}"u8.ToArray() };
        yield return new JobRequest("motto") { Arguments = """{"Name":"x"}"""u8.ToArray() };
        yield return new JobRequest("upper");
        yield return new JobRequest("upper") { Environment = new Dictionary<string, string> { ["LANG"] = "C" } };
        yield return new JobRequest("upper") { Environment = new Dictionary<string, string> { ["TZ"] = "UTC" } };
        yield return new JobRequest("motto") { Environment = new Dictionary<string, string> { ["TZ"] = "UTC" } };
        foreach (string arguments in (string[])["""{"Name":"World"}""", "", "{}", """{"Name":null}""", """{"Name":7}""", """{"name":"x"}""",
            """{"Name":"World","Age":7}"""])
            yield return new JobRequest("greet") { Arguments = Encoding.UTF8.GetBytes(arguments) };
    }

    private static string Summary(JobOutput output) =>
        $"{output.Result.Job} {output.Result.Code} exit {output.Result.ExitCode} signal {output.Result.Signal} error {output.Result.Error} "
        + $"({output.Result.Message}): {output.StdoutText}{output.StderrText} {output.Result.StdoutBytes} {output.Result.StderrBytes}";

    /// <summary>The jobs of README's "Write a job".</summary>
    private static void Register(JobCollection jobs)
    {
        jobs.Add("motto", () => "eggman");
        jobs.Add("greet", () => ReadmeTests.MyJson.Default.Greeting, () => ReadmeTests.MyJson.Default.Greeted,
            greeting => new ReadmeTests.Greeted($"Hello, {greeting.Name}"));
        jobs.Add("upper", async job =>
        {
            using var reader = new StreamReader(job.Input);
            await using var writer = new StreamWriter(job.Output);
            while (await reader.ReadLineAsync(job.CancellationToken) is { } line)
                await writer.WriteLineAsync(line.ToUpperInvariant());
            return 0;
        }).WithDescription("Make lines upper case").WithTimeout(TimeSpan.FromMinutes(1)).AllowEnvironment("LANG");
    }
}
