using System.Text.Json;
using System.Text.Json.Nodes;
using PipeForkAs.EndToEnd.Harness;
using PipeForkAs.Protocol.Client;

namespace PipeForkAs.EndToEnd;

/// <summary>Tests that the environment of a job is new, and contains only variables of the client that the job allows.</summary>
public sealed class EnvironmentTests(IsolatingDaemon shared) : IClassFixture<IsolatingDaemon>
{
    private readonly DaemonProcess daemon = shared.Daemon;

    [Fact(Timeout = Bound.Test)]
    public async Task The_environment_of_a_function_is_new()
    {
        JsonNode self = JsonNode.Parse((await RawClient.RunAsync(daemon, "self")).Text)!;

        Assert.Equal(EnvironmentOf(TestUsers.Alice), Pairs(self));
    }

    [Fact(Timeout = Bound.Test)]
    public async Task The_environment_of_a_command_is_new()
    {
        FramedReply reply = await RawClient.RunAsync(daemon, "show-environment", user: TestUsers.Bob);

        Assert.Equal(
            EnvironmentOf(TestUsers.Bob), reply.Text.Split('\0', StringSplitOptions.RemoveEmptyEntries).Order(StringComparer.Ordinal));
    }

    [Theory(Timeout = Bound.Test)]
    [InlineData("")]
    [InlineData("=")]
    [InlineData("a=b=c")]
    [InlineData("two\nlines\r\n")]
    [InlineData("'quoted' \"twice\" $HOME `id` \\ %s {x}")]
    [InlineData("\u0001\u001b[31m\u007f\t")]
    [InlineData("äöü € 😀 \u202e\ufeff")]
    public async Task A_variable_that_the_job_allows_arrives_as_it_was_sent(string value)
    {
        string env = $$""","env":{"TEST_VALUE":{{JsonSerializer.Serialize(value)}}}""";

        FramedReply self = await RawClient.RunAsync(daemon, "self", more: env);
        FramedReply command = await RawClient.RunAsync(daemon, "show-environment", more: env);

        Assert.Equal(value, JsonNode.Parse(self.Text)!["environment"]!["TEST_VALUE"]!.GetValue<string>());
        Assert.Contains($"TEST_VALUE={value}", command.Text.Split('\0'));
    }

    [Fact(Timeout = Bound.Test)]
    public async Task A_client_may_choose_the_language_if_the_job_allows_it()
    {
        FramedReply command = await RawClient.RunAsync(daemon, "show-environment", more: ""","env":{"LANG":"de_DE.UTF-8"}""");

        Assert.Equal(["LANG=de_DE.UTF-8"], command.Text.Split('\0').Where(pair => pair.StartsWith("LANG=", StringComparison.Ordinal)));
    }

    [Theory(Timeout = Bound.Test)]
    [InlineData("LD_PRELOAD")]
    [InlineData("LD_LIBRARY_PATH")]
    [InlineData("DOTNET_StartupHook")]
    [InlineData("PATH")]
    [InlineData("HOME")]
    [InlineData("BASH_ENV")]
    [InlineData("IFS")]
    [InlineData("NOT_ALLOWED")]
    [InlineData("lang")]
    public async Task A_variable_that_the_job_does_not_allow_is_refused_and_nothing_runs(string variable)
    {
        foreach (string job in new[] { "self", "show-environment" })
        {
            FramedReply reply = await RawClient.RunAsync(daemon, job, more: $$""","env":{"{{variable}}":"x"}""");
            Assert.Equal((ReplyCode.BadArguments, 0), (reply.End.Code, reply.Stdout.Length));
            Assert.Contains(variable, reply.End.Message);
        }
    }

    [Theory(Timeout = Bound.Test)]
    [InlineData("""{"TEST=VALUE":"x"}""")]
    [InlineData("""{"":"x"}""")]
    [InlineData("""{"TEST_VALUE":"nul\u0000"}""")]
    [InlineData("""{"TEST_VALUE":null}""")]
    [InlineData("""{"TEST_VALUE":1}""")]
    [InlineData("""{"TEST_VALUE":"a","TEST_VALUE":"b"}""")]
    public async Task An_invalid_variable_is_a_bad_request(string env)
    {
        string reply = await RawClient.TextAsync(daemon, $$"""{"job":"self","user":"{{TestUsers.Alice}}","env":{{env}} }""");

        Assert.StartsWith("pipeforkas: bad-request: ", reply);
    }

    [Theory(Timeout = Bound.Test)]
    [InlineData("LD_PRELOAD")]
    [InlineData("DOTNET_StartupHook")]
    [InlineData("PATH")]
    public async Task A_configuration_that_allows_a_forbidden_variable_is_rejected(string variable)
    {
        (string folder, JsonObject configuration) = DaemonProcess.Prepare();
        configuration["Commands"] =
            new JsonObject { ["x"] = new JsonObject { ["Command"] = new JsonArray("/usr/bin/env"), ["Env"] = new JsonArray(variable) } };
        await using var refused = DaemonProcess.Launch(folder, configuration);

        Assert.Equal(78, await refused.EndedAsync());
        Assert.Contains(variable, refused.Log);
    }

    [Fact(Timeout = Bound.Test)]
    public async Task A_variable_that_changes_which_code_runs_needs_UnsafeEnv_and_describe_shows_it()
    {
        (string folder, JsonObject configuration) = DaemonProcess.Prepare();
        configuration["Commands"] =
            new JsonObject
            {
                ["x"] =
            new JsonObject { ["Command"] = new JsonArray("/usr/bin/env"), ["Env"] = new JsonArray("GIT_SSH_COMMAND") }
            };
        await using (var refused = DaemonProcess.Launch(folder, configuration))
        {
            Assert.Equal(78, await refused.EndedAsync());
            Assert.Contains("name it in UnsafeEnv", refused.Log);
        }

        await using DaemonProcess knowing = await DaemonProcess.StartAsync(fresh => fresh["Commands"] = new JsonObject
        {
            ["x"] = new JsonObject { ["Command"] = new JsonArray("/usr/bin/env"), ["UnsafeEnv"] = new JsonArray("GIT_SSH_COMMAND") },
        });
        Assert.Contains("GIT_SSH_COMMAND=ssh -v",
            (await RawClient.RunAsync(knowing, "x", more: ""","env":{"GIT_SSH_COMMAND":"ssh -v"}""")).Text);
        ToolResult described = await Tool.RunAsync([NativeBuild.Command, "--socket", knowing.Socket, "describe", "x"]);
        Assert.Contains("--env may set GIT_SSH_COMMAND, which can run any code as the user", described.Text);
        Assert.Equal(0, await knowing.StopAsync());
    }

    private static IEnumerable<string> Pairs(JsonNode self) =>
        ((JsonObject)self["environment"]!).Select(pair => $"{pair.Key}={pair.Value}").Order(StringComparer.Ordinal);

    private static IEnumerable<string> EnvironmentOf(string user) =>
        ((string[])[
            $"HOME=/home/{user}", $"USER={user}", $"LOGNAME={user}", "SHELL=/bin/bash", "PATH=/usr/local/bin:/usr/bin:/bin",
                "LANG=C.UTF-8"]).Order(StringComparer.Ordinal);
}
