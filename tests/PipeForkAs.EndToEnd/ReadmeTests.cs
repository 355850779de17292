using System.Text;
using System.Text.Json.Nodes;
using System.Text.Json.Serialization;
using PipeForkAs.EndToEnd.Harness;
using PipeForkAs.LibC;
using PipeForkAs.Protocol.Client;
using PipeForkAs.Tests;

namespace PipeForkAs.EndToEnd;

/// <summary>Runs the examples and commands of README as README shows them.</summary>
public sealed partial class ReadmeTests(ReadmeTests.PanelDaemon shared) : IClassFixture<ReadmeTests.PanelDaemon>
{
    [Fact(Timeout = Bound.Test)]
    public async Task The_job_host_of_the_example_offers_its_jobs()
    {
        FramedReply reply = await RawClient.FramesAsync(shared.Daemon, """{"op":"list","reply":"frames"}""");
        Assert.Equal(["greet", "motto", "sum-up", "upper"], JsonNode.Parse(reply.Text)!.AsArray().Select(job => (string)job!["name"]!));
    }

    [Fact(Timeout = Bound.Test)]
    public async Task The_function_of_the_example_returns_text() =>
        Assert.Equal("eggman", (await RawClient.RunAsync(shared.Daemon, "motto")).Text);

    [Fact(Timeout = Bound.Test)]
    public async Task The_function_of_the_example_accepts_arguments() => Assert.Equal(
        "Hello, World", (string)JsonNode.Parse((await RawClient.RunAsync(shared.Daemon, "greet", """{"Name":"World"}""")).Text)!["Text"]!);

    [Theory(Timeout = Bound.Test)]
    [InlineData("{}")]
    [InlineData("""{"Name":null}""")]
    [InlineData("""{"Name":7}""")]
    [InlineData("""{"name":"World"}""")]
    [InlineData("""{"Name":"World","Age":7}""")]
    public async Task The_function_of_the_example_refuses_wrong_arguments(string arguments) =>
        Assert.Equal(ReplyCode.BadArguments, (await RawClient.RunAsync(shared.Daemon, "greet", arguments)).End.Code);

    [Fact(Timeout = Bound.Test)]
    public async Task The_function_of_the_example_streams()
    {
        FramedReply reply = await RawClient.RunAsync(
            shared.Daemon, "upper", input: Encoding.UTF8.GetBytes("one\ntwo\n"), more: ""","env":{"LANG":"C"}""");
        Assert.Equal(("ONE\nTWO\n", ReplyCode.Ok), (reply.Text, reply.End.Code));
    }

    [Fact(Timeout = Bound.Test)]
    public async Task The_command_of_the_example_runs() =>
        Assert.Matches(
            "^[0-9]+\t/etc/hostname\n$", (await RawClient.RunAsync(shared.Daemon, "sum-up", """{"path":"/etc/hostname"}""")).Text);

    [Fact(Timeout = Bound.Test)]
    public async Task The_job_host_of_the_example_runs_beside_the_stock_jobs()
    {
        await using DaemonProcess daemon = await DaemonProcess.StartAsync(configuration => configuration["JobHosts"] = new JsonArray(
            new JsonObject { ["Path"] = NativeBuild.StockJobs }, new JsonObject { ["Path"] = NativeBuild.ReadmeJobs }));
        Assert.Equal("eggman", (await RawClient.RunAsync(daemon, "motto")).Text);
        Assert.Equal(ReplyCode.Ok, (await RawClient.RunAsync(daemon, "id")).End.Code);
    }

    [Fact(Timeout = Bound.Test)]
    public async Task The_job_of_the_example_runs_by_hand()
    {
        ToolResult ran = await Tool.RunAsync([NativeBuild.ReadmeJobs, "run", "greet", "Name=World"]);
        Assert.Equal((0, "Hello, World"), (ran.ExitCode, (string)JsonNode.Parse(ran.Text)!["Text"]!));
    }

    [Fact(Timeout = Bound.Test)]
    public async Task The_policy_of_the_example_allows_exactly_the_work_of_the_panel()
    {
        string policy =
            Page.Example("A policy in ten lines", "json").Replace("www-data", TestUsers.Bob, StringComparison.Ordinal).Replace("@customers",
            $"@{TestUsers.Group}", StringComparison.Ordinal).Replace("@interns", $"@{TestUsers.Alice}", StringComparison.Ordinal);
        await using DaemonProcess daemon = await DaemonProcess.StartAsync(
            configuration => configuration["Policy"] = JsonNode.Parse(policy)!["Policy"]!.DeepClone());
        string home = TestUsers.Entry(TestUsers.Alice).Home;

        Directory.CreateDirectory($"{home}/www");
        await File.WriteAllTextAsync($"{home}/www/page.html", "<p>");
        Assert.Equal(0, await AsAsync(daemon, TestUsers.Bob, "list-directory", $"path={home}/www"));
        Assert.Equal(0, await AsAsync(daemon, TestUsers.Bob, "read-file", $"path={home}/www/page.html"));
        Assert.Equal(0, await AsAsync(daemon, TestUsers.Bob, "read-file", "path=www/page.html"));
        Assert.Equal(126, await AsAsync(daemon, TestUsers.Bob, "read-file", "path=notes.txt"));
        Assert.Equal(126, await AsAsync(daemon, TestUsers.Bob, "list-directory"));
        Assert.Equal(
            0, (await Tool.RunAsync([NativeBuild.Command, "--socket", daemon.Socket, "run", "--user", TestUsers.Alice, "id"])).ExitCode);
        Assert.Equal(126, await AsAsync(daemon, TestUsers.Bob, "list-directory", $"path={home}"));
        Assert.Equal(126, await AsAsync(daemon, TestUsers.Bob, "read-file", $"path={home}/.ssh/id_ed25519"));
        Assert.Equal(126, await AsAsync(daemon, TestUsers.Alice, "write-file", $"path={home}/x"));
        Assert.Equal(126, await AsAsync(daemon, TestUsers.Bob, "id"));
        Assert.Equal(0, await AsAsync(daemon, TestUsers.Alice, "id"));
        Assert.DoesNotContain("policy warning", daemon.Log);
        Assert.Equal(0, await daemon.StopAsync());
    }

    [Fact(Timeout = Bound.Test)]
    public async Task The_commands_that_request_a_job_run_as_they_are_written()
    {
        await using DaemonProcess daemon = await DaemonProcess.StartAsync();
        await File.WriteAllTextAsync($"{TestUsers.Entry(TestUsers.Alice).Home}/notes.txt", "notes");

        // The host of -H is this machine, without ssh; RemoteHostTests has a real one.
        string ssh = Path.Combine(daemon.Folder, "ssh");
        await File.WriteAllTextAsync(ssh, "#!/bin/sh\nwhile [ \"$1\" != -- ]; do shift; done\nshift 2\nexec \"$@\"\n");
        Libc.chmod(ssh, 0x1ED); // 0755
        string[] commands = Page.Commands("README.md", "Request a job");
        Assert.True(commands.Length >= 9, string.Join('\n', commands));
        foreach (string command in commands.Append("pipeforkas check --user alice id"))
        {
            ToolResult ran = await InShellAsync(daemon, command);

            // No job has that id.
            Assert.True(
                ran.ExitCode == (command == "pipeforkas cancel 4711" ? 127 : 0), $"{command}: {ran.ExitCode}: {ran.Error}{ran.Text}");
        }

        Assert.Contains("uid=", (await InShellAsync(daemon, Assert.Single(Page.Commands("README.md", "PipeForkAs")))).Text);
        Assert.Equal(0, await daemon.StopAsync());
    }

    [Fact(Timeout = Bound.Test)]
    public async Task The_client_in_C_sharp_runs_as_it_is_written()
    {
        await using DaemonProcess daemon = await DaemonProcess.StartAsync();
        string user = TestUsers.Alice;

        // The calls of README; a test of the client compares the text with code that compiles.
        var client = new PipeForkAsClient(daemon.Socket);
        JobOutput id = await client.CaptureAsync(new JobRequest("id") { User = user });
        Assert.Contains($"({user})", id.EnsureSuccess().StdoutText);

        Greeted greeted = await new PipeForkAsClient(shared.Daemon.Socket).RunAsync(
            "greet", new Greeting("World"), MyJson.Default.Greeting, MyJson.Default.Greeted, user: user);
        Assert.Equal("Hello, World", greeted.Text);

        List<string> lines = [];
        await foreach (string line in client.ReadLinesAsync(new JobRequest("list-directory") { User = user }))
            lines.Add(line);
        Assert.NotNull(JsonNode.Parse(string.Concat(lines)));
        Assert.Equal(0, await daemon.StopAsync());
    }

    /// <summary>Runs a line of README in a shell: as alice, or as root after sudo.</summary>
    private static Task<ToolResult> InShellAsync(DaemonProcess daemon, string line)
    {
        string command = line.Replace("alice", TestUsers.Alice, StringComparison.Ordinal)
            .Replace("/run/pipeforkas/pipeforkas.sock", daemon.Socket, StringComparison.Ordinal);
        bool isRoots = command.StartsWith("sudo ", StringComparison.Ordinal);
        string[] words =
        [
            "env", "-C", TestUsers.Entry(TestUsers.Alice).Home,
            $"PATH={daemon.Folder}:{NativeBuild.Folder}:{Environment.GetEnvironmentVariable("PATH")}",
            $"PIPEFORKAS_SOCKET={daemon.Socket}", "bash", "-c", isRoots ? command["sudo ".Length..] : command,
        ];
        return isRoots ? Tool.RunAsync(words) : Tool.RunAsAsync(TestUsers.Alice, words);
    }

    /// <summary>Requests a job as alice; the exit status.</summary>
    private static async Task<int> AsAsync(DaemonProcess daemon, string caller, string job, params string[] arguments) =>
        (await Tool.RunAsAsync(
            caller, [NativeBuild.Command, "--socket", daemon.Socket, "run", "--user", TestUsers.Alice, job, .. arguments])).ExitCode;

    internal sealed record Greeting(string Name);

    internal sealed record Greeted(string Text);

    /// <summary>A daemon with the job host and the command of the examples.</summary>
    public sealed class PanelDaemon : ConfiguredDaemon
    {
        protected override void Configure(JsonObject configuration)
        {
            configuration["JobHosts"] = new JsonArray(new JsonObject { ["Path"] = NativeBuild.ReadmeJobs, ["Workers"] = 4 });
            configuration["Commands"] = JsonNode.Parse(Page.Example("Programs as jobs", "json"))!["Commands"]!.DeepClone();
        }
    }

    [JsonSerializable(typeof(Greeting)), JsonSerializable(typeof(Greeted))]
    internal sealed partial class MyJson : JsonSerializerContext;
}
