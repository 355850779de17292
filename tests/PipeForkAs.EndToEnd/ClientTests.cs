using System.Text.Json.Nodes;
using System.Text.RegularExpressions;
using PipeForkAs.EndToEnd.Harness;
using PipeForkAs.Tests;

namespace PipeForkAs.EndToEnd;

/// <summary>
/// What the clients in other languages do besides the protocol: their own tests, as alice. The conformance suite has the protocol.
/// </summary>
public sealed partial class ClientTests(ClientTests.SharedDaemon shared) : IClassFixture<ClientTests.SharedDaemon>
{
    [Fact(Timeout = Bound.Test)]
    public async Task The_client_for_Node_passes_its_own_tests() =>
        ExpectPassed(await RunAsync("node", "--test", Script("node/client.test.mjs")), NodeSummary(), atLeast: 50);

    [Fact(Timeout = Bound.Test)]
    public async Task The_client_for_PHP_passes_its_own_tests()
    {
        string[] settings = ["-d", "error_reporting=-1", "-d", "memory_limit=512M"];
        ExpectPassed(await RunAsync(["php", .. settings, Script("php/client-test.php")]), PhpSummary(), atLeast: 10);
    }

    private static string Script(string name) => Path.Combine(Page.Root, "tests/clients", name);

    private static void ExpectPassed(ToolResult ran, Regex summary, int atLeast)
    {
        string output = $"exit {ran.ExitCode}: {ran.Error}{ran.Text}";
        Assert.True(ran.ExitCode == 0, output);
        Match passed = summary.Match(ran.Text);
        Assert.True(passed.Success && int.Parse(passed.Groups[1].Value) >= atLeast, output);
    }

    private Task<ToolResult> RunAsync(params string[] command) => Tool.RunAsAsync(
        TestUsers.Alice, ["env", "-C", TestUsers.Entry(TestUsers.Alice).Home, $"PIPEFORKAS_SOCKET={shared.Daemon.Socket}", .. command]);

    [GeneratedRegex(@"^(?:#|ℹ) pass ([0-9]+)$", RegexOptions.Multiline)]
    private static partial Regex NodeSummary();

    [GeneratedRegex(@"^([0-9]+) passed, 0 failed$", RegexOptions.Multiline)]
    private static partial Regex PhpSummary();

    /// <summary>A daemon with the stock jobs, and commands that fail, wait, and write without end.</summary>
    public sealed class SharedDaemon : ConfiguredDaemon
    {
        protected override void Configure(JsonObject configuration)
        {
            JsonNode commands = configuration["Commands"]!;
            commands["fail-late"] = Command(["/bin/sh", "-c", "head -c 300000 /dev/zero; exit 7"]);
            commands["nap"] = Command(["/bin/sleep", "2"]);
            commands["endless-lines"] = Command(["/usr/bin/yes"]);
            commands["endless-zeros"] = Command(["/bin/cat", "/dev/zero"]);
            commands["both"] = Command(
                ["/bin/sh", "-c", "printf x; read line; head -c 8388608 /dev/zero & head -c 8388608 /dev/zero >&2; wait"]);
        }
    }
}
