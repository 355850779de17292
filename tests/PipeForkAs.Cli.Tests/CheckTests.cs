using System.Text.Json;
using PipeForkAs.Protocol;
using PipeForkAs.Protocol.Client;
using PipeForkAs.Tests.Fakes;

namespace PipeForkAs.Cli.Tests;

/// <summary>Tests the output and exit status of <c>pipeforkas check</c>.</summary>
public sealed class CheckTests
{
    private static readonly CheckResult Allowed = new()
    {
        Allowed = true,
        Caller = 33,
        Job = "read-file",
        User = "alice",
        Rule = "panel",
        Uid = 1001,
        Gid = 1001,
        Groups = [50, 1001],
        Home = "/home/alice",
        Limits = new SortedDictionary<string, double> { ["nice"] = 0, ["timeout"] = 0.5 },
        Sandboxes = [new Sandbox { ReadOnly = ["/usr", "~/www"], NoNetwork = true, Seccomp = SeccompProfile.Default }],
    };

    private static readonly CheckResult Denied = new() { Allowed = false, Caller = 33, Job = "read-file", User = "bob" };

    [Fact(Timeout = Bound.Milliseconds)]
    public async Task An_allowed_request_shows_the_rule_the_account_the_limits_and_the_sandbox() => Assert.Equal(
        (0, """
        allowed: uid 33 runs read-file as alice (rule "panel")
          uid 1001, gid 1001, groups 50, 1001, home /home/alice
          limits: nice 0, timeout 0.5
          sandbox: reads /usr ~/www, writes nothing, and nothing else; no sockets; dangerous system calls are forbidden

        """, ""), await RunAsync(Allowed));

    [Fact(Timeout = Bound.Milliseconds)]
    public async Task A_denied_request_shows_one_line_and_exits_with_the_status_of_a_denial() =>
        Assert.Equal((126, "denied: uid 33 runs read-file as bob\n", ""), await RunAsync(Denied));

    [Fact(Timeout = Bound.Milliseconds)]
    public async Task Explain_shows_the_reason_from_the_daemon() => Assert.Equal(
        (126, """
        denied: uid 33 runs read-file as bob
          no rule matches
          rule "panel": the caller is not among Callers
          rule "all": the job is not among Jobs

        """, ""), await RunAsync(
            Denied with
            {
                Reason = "no rule matches",
                Rules = [new("panel", "the caller is not among Callers"), new("all", "the job is not among Jobs")]
            }, "--explain"));

    [Fact(Timeout = Bound.Milliseconds)]
    public async Task Explain_says_if_the_caller_may_not_see_the_reason() =>
        Assert.Equal((126, "denied: uid 33 runs read-file as bob\n  only root sees the reason\n", ""), await RunAsync(Denied, "--explain"));

    [Fact(Timeout = Bound.Milliseconds)]
    public async Task Without_explain_no_rule_is_shown() =>
        Assert.Equal(
            (126, "denied: uid 33 runs read-file as bob\n", ""),
            await RunAsync(Denied with { Reason = "no rule matches", Rules = [new("panel", "x")] }));

    [Fact(Timeout = Bound.Milliseconds)]
    public async Task Json_is_the_complete_result_on_one_line()
    {
        (int status, string output, string error) = await RunAsync(Allowed, "--json");
        Assert.Equal((0, ""), (status, error));
        Assert.Equal(output.Length - 1, output.IndexOf('\n', StringComparison.Ordinal));
        Assert.Equivalent(Allowed, JsonSerializer.Deserialize(output, CheckResultJson.Default.CheckResult), strict: true);
    }

    [Fact(Timeout = Bound.Milliseconds)]
    public async Task Text_from_the_daemon_reaches_the_terminal_escaped() => Assert.Equal(
        (126, "denied: uid 33 runs read-file as b\\nob\n  rule \"\\u001b[2J\": \\u202eit\n", ""),
        await RunAsync(Denied with { User = "b\nob", Rules = [new("\e[2J", "\u202eit")] }, "--explain"));

    private static async Task<(int Status, string Output, string Error)> RunAsync(CheckResult told, params string[] options)
    {
        await using FakeDaemon daemon = FakeDaemon.Replying(
            Reply.Out(JsonSerializer.Serialize(told, CheckResultJson.Default.CheckResult)),
            Reply.End(told.Allowed ? ReplyCode.Ok : ReplyCode.Denied));
        Invocation run = await Invocation.RunAsync(
            daemon.SocketPath, ["check", "--user", told.User == "b\nob" ? "bob" : told.User, "read-file", .. options]);
        return (run.Status, run.OutputText, run.Error);
    }
}
