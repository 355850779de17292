using System.Diagnostics;
using System.Globalization;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using PipeForkAs.EndToEnd.Harness;
using PipeForkAs.LibC;
using PipeForkAs.Protocol.Client;

namespace PipeForkAs.EndToEnd;

/// <summary>
/// What configuration and requests choose of an algorithm's cost is paid by the caller who chooses it: others are answered meanwhile, and
/// memory stays.
/// </summary>
public sealed class CostTests
{
    /// <summary>Another caller's slowest answer.</summary>
    private static readonly TimeSpan Slowest = TimeSpan.FromSeconds(0.5);

    private static readonly TimeSpan Attack = TimeSpan.FromSeconds(3);

    /// <summary>Kilobytes by which the daemon may grow.</summary>
    private const long MostGrown = 96 * 1024;

    private static readonly string Words =
        string.Join('|', Enumerable.Range(0, 3000).Select(number => string.Create(CultureInfo.InvariantCulture, $"(ab{number}c*|b)")));

    public static TheoryData<string> Patterns { get; } =
    [
        "(.*a.{1,200})*b", @"^[^\0]{1,4096}$", "((a{1,20}b?){1,20}c?){1,20}d", @"(\w+\s?)*\p{Lu}", @"([\p{L}-[a-c]]|[abc]{1,50})*x",
            "(a|b|ab|ba|c)*d", "(.*[ab].{1,50}c){1,20}d",
        "(a?b?c?){1,500}d", @"(.*a.*b.*c){1,100}$", @"(?i)(.*k.{1,64}){0,30}ß", @"\b(\w{1,64}\b\W?){1,64}!", "(.{1,1000}a){1,4}!",
            "(([abc]{1,9})+){1,60}!", "[abc]{2000,4096}!",
    ];

    [Theory(Timeout = Bound.Test)]
    [MemberData(nameof(Patterns))]
    [Trait("Needs", "quiet")]
    public async Task Values_that_are_hard_to_match_delay_no_other_request(string pattern)
    {
        await using DaemonProcess daemon = await StartAsync(pattern);
        string value = Value(4000, 1), longer = Value(32_000, 2);
        await AttackAsync(daemon, [Request(value), Request(longer), Request(value[..64])]);
        Assert.Equal(0, await daemon.StopAsync());
    }

    [Theory(Timeout = Bound.Test)]
    [InlineData("((a{1,1000}b){1,1000}){1,1000}", "states; use smaller counts")]
    [InlineData("(.*(aa|bb){1,3000})*", "characters could take too long")]
    [InlineData("words", "characters could take too long")]
    [InlineData("(a+)\\1", "without backtracking")]
    public async Task A_pattern_that_cannot_be_bounded_is_refused_at_the_start_with_its_key(string pattern, string why)
    {
        (string folder, JsonObject configuration) = DaemonProcess.Prepare();
        configuration["Commands"] = Command(pattern == "words" ? Words : pattern);
        await using var refused = DaemonProcess.Launch(folder, configuration);
        Assert.Equal(78, await refused.EndedAsync());
        Assert.Contains("Commands:match:Parameters:p:Pattern: cannot be used as a regular expression: ", refused.Log);
        Assert.Contains(why, refused.Log);
    }

    [Fact(Timeout = Bound.Test)]
    [Trait("Needs", "quiet")]
    public async Task A_policy_of_hundreds_of_rules_delays_no_other_request_whatever_the_arguments_are()
    {
        await using DaemonProcess daemon = await DaemonProcess.StartAsync(configuration =>
        {
            var rules = new JsonArray();
            for (int i = 0; i < 300; i++)
            {
                rules.Add(new JsonObject
                {
                    ["Name"] = $"rule {i}",
                    ["Callers"] = Names($"@{100_000 + i}", "root"),
                    ["Jobs"] = Names("echo", "x*"),
                    ["As"] = Names("*"),
                    ["Where"] = new JsonObject
                    {
                        ["path"] = new JsonObject { ["Under"] = $"/srv/{i}" },
                        ["p"] = new JsonObject { ["Pattern"] = $"(.*[ab].{{1,{50 + i}}}c){{1,20}}d" },
                        ["n"] = new JsonObject { ["AtMost"] = i },
                        ["one"] = new JsonObject { ["OneOf"] = Names([.. Enumerable.Range(0, 20).Select(number => $"{i}-{number}")]) },
                    },
                });
            }

            rules.Add(new JsonObject { ["Name"] = "id", ["Callers"] = Names("*"), ["Jobs"] = Names("id"), ["As"] = Names("*") });
            configuration["Policy"] = new JsonObject { ["Rules"] = rules };
        });
        string members =
            string.Join(',', Enumerable.Range(0, 1000).Select(number => string.Create(CultureInfo.InvariantCulture, $"\"m{number}\":0")));
        await AttackAsync(daemon,
        [
            Ask("echo", $$"""{"path":"{{string.Concat(Enumerable.Repeat("/a", 30_000))}}"}"""),
                Ask("echo", $$"""{"path":"/{{new string('/', 60_000)}}"}"""),
            Ask("echo", $$"""{"p":"{{Value(4000, 3)}}"}"""), Ask("echo", $$"""{"n":{{new string('1', 60_000)}}}"""),
                Ask("echo", $$"""{"n":1e{{new string('0', 60_000)}}}"""),
            Ask("echo", $$"""{{{members}},"one":"x"}"""),
                Ask("echo", $$"""{"one":"{{string.Concat(Enumerable.Repeat("\\u0061", 10_000))}}"}"""),
        ]);
        Assert.Contains("the patterns of a request ran out of steps before", daemon.Log);
        string[] told =
            [.. daemon.Log.Split('\n').Where(line => line.Contains("ran out of steps before", StringComparison.Ordinal)).Select(line =>
            line[line.IndexOf("Policy:", StringComparison.Ordinal)..])];
        Assert.Equal(told.Distinct().Count(), told.Length);
        Assert.Equal(0, await daemon.StopAsync());
    }

    [Fact(Timeout = Bound.Test)]
    public async Task A_reload_while_a_match_is_under_way_leaves_it_its_own_pattern()
    {
        await using DaemonProcess daemon = await StartAsync("(.*[ab].{1,50}c){1,20}(d|)");
        string value = Value(4000, 1) + "c";
        Task<FramedReply>[] asked = [.. Enumerable.Range(0, 40).Select(_ => RawClient.FramesAsync(daemon, Request(value)))];

        // One is over, and others are under way.
        await Task.WhenAny(asked);
        var configuration = JsonNode.Parse(await File.ReadAllTextAsync(Path.Combine(daemon.Folder, "pipeforkas.json")))!.AsObject();
        configuration["Commands"] = Command("none");
        await File.WriteAllTextAsync(Path.Combine(daemon.Folder, "pipeforkas.json"), configuration.ToJsonString());
        Libc.kill(new ProcessId(daemon.Pid), Signal.SIGHUP);
        await Bound.UntilAsync(() => daemon.Log.Contains("configuration reloaded", StringComparison.Ordinal), () => daemon.Log);

        FramedReply[] replies = await Task.WhenAll(asked);
        Assert.All(replies, reply =>
            Assert.True(reply.End.Code == ReplyCode.Ok
            || reply.End.Message!.EndsWith("does not match the pattern none", StringComparison.Ordinal), reply.End.Message));
        Assert.Contains(replies, reply => reply.End.Code == ReplyCode.Ok);
        Assert.Equal("\"p\": does not match the pattern none", (await RawClient.FramesAsync(daemon, Request(value))).End.Message);
        Assert.Equal(0, await daemon.StopAsync());
    }

    /// <summary>In a user namespace everyone may drop groups; here root does it for the caller.</summary>
    [Fact(Timeout = Bound.Test)]
    public async Task A_caller_that_dropped_a_group_is_denied_by_it_all_the_same()
    {
        await using DaemonProcess daemon = await DaemonProcess.StartAsync(configuration => configuration["Policy"] = new JsonObject
        {
            ["Rules"] = new JsonArray(
                new JsonObject
                {
                    ["Name"] = "no",
                    ["Callers"] = Names($"@{TestUsers.Group}"),
                    ["Jobs"] = Names("id"),
                    ["As"] = Names("*"),
                    ["Deny"] = true
                },
                new JsonObject { ["Name"] = "self", ["Callers"] = Names("*"), ["Jobs"] = Names("*"), ["As"] = Names("self") }),
        });
        foreach (string groups in new[] { "--init-groups", "--clear-groups" })
        {
            string[] alice =
                ["setpriv", $"--reuid={TestUsers.Alice}", $"--regid={TestUsers.Alice}", groups, NativeBuild.Command, "--socket",
                daemon.Socket];
            Assert.Equal(126, (await Tool.RunAsync([.. alice, "run", "id"])).ExitCode);
            Assert.Equal(126, (await Tool.RunAsync([.. alice, "check", "id"])).ExitCode);
            Assert.Equal(0, (await Tool.RunAsync([.. alice, "run", "echo", "text=x"])).ExitCode);
        }

        string[] bob =
            ["setpriv", $"--reuid={TestUsers.Bob}", $"--regid={TestUsers.Bob}", "--clear-groups", NativeBuild.Command, "--socket",
            daemon.Socket, "run", "id"];
        Assert.Equal(0, (await Tool.RunAsync(bob)).ExitCode);
        Assert.Equal(126,
            (await Tool.RunAsync([NativeBuild.Command, "--socket", daemon.Socket, "check", "--caller", TestUsers.Alice, "id"])).ExitCode);
        Assert.Equal(0, await daemon.StopAsync());
    }

    private static Task<DaemonProcess> StartAsync(string pattern) =>
        DaemonProcess.StartAsync(configuration => configuration["Commands"] = Command(pattern));

    private static JsonObject Command(string pattern) => new()
    {
        ["match"] = new JsonObject
        {
            ["Command"] = Names("/bin/true", "--", "{p}"),
            ["Parameters"] = new JsonObject { ["p"] = new JsonObject { ["Type"] = "string", ["Pattern"] = pattern } },
        },
    };

    private static string Request(string value) => Ask("match", $$"""{"p":{{JsonSerializer.Serialize(value)}}}""");

    private static string Ask(string job, string arguments) =>
        $$"""{"job":"{{job}}","user":"{{TestUsers.Alice}}","args":{{arguments}},"reply":"frames"}""";

    /// <summary>
    /// Asks all of these again and again, and on another connection what takes none of it: no worker either, which a busy machine may be
    /// slow to fork.
    /// </summary>
    private static async Task AttackAsync(DaemonProcess daemon, string[] requests)
    {
        await RawClient.RunAsync(daemon, "id");
        long before = Resident(daemon);
        using var end = new CancellationTokenSource(Attack);
        Task[] attackers = [.. Enumerable.Range(0, 24).Select(async number =>
        {
            byte[] request = Encoding.UTF8.GetBytes(requests[number % requests.Length] + "\n");
            while (!end.IsCancellationRequested)
                FramedReply.Parse(await RawClient.AskAsync(daemon, request));
        })];

        var slowest = TimeSpan.Zero;
        while (!end.IsCancellationRequested)
        {
            var asked = Stopwatch.StartNew();
            Assert.Equal(ReplyCode.Ok,
                (await RawClient.FramesAsync(daemon,
                $$"""{"op":"check","job":"id","user":"{{TestUsers.Bob}}","reply":"frames"}""")).End.Code);
            slowest = asked.Elapsed > slowest ? asked.Elapsed : slowest;
        }

        await Task.WhenAll(attackers);
        Assert.InRange(slowest, TimeSpan.Zero, Slowest);
        Assert.InRange(Resident(daemon) - before, long.MinValue, MostGrown);
    }

    private static long Resident(DaemonProcess daemon) => long.Parse(
        File.ReadLines($"/proc/{daemon.Pid}/status").First(line => line.StartsWith("VmRSS:", StringComparison.Ordinal))
            .Split(' ', StringSplitOptions.RemoveEmptyEntries)[^2], CultureInfo.InvariantCulture);

    private static string Value(int length, int seed) =>
        string.Create(length, new Random(seed), static (value, random) => random.GetItems("abc".AsSpan(), value));

    private static JsonArray Names(params string[] names) => new([.. names.Select(name => (JsonNode)name)]);
}
