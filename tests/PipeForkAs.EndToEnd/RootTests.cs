using System.Text.Json;
using System.Text.Json.Nodes;
using PipeForkAs.EndToEnd.Harness;
using PipeForkAs.LibC;
using PipeForkAs.Protocol.Client;
using PipeForkAs.Protocol.Worker;

namespace PipeForkAs.EndToEnd;

/// <summary>A daemon with one rule that grants root, for two jobs and to two callers.</summary>
public sealed class RootGrantingDaemon : ConfiguredDaemon
{
    protected override void Configure(JsonObject configuration)
    {
        configuration["Commands"] = new JsonObject { ["show-status"] = Command(["/usr/bin/cat", "/proc/self/status"]) };
        configuration["Policy"] = new JsonObject
        {
            ["Rules"] = new JsonArray(
                new JsonObject
                {
                    ["Name"] = "ops",
                    ["Callers"] = Words(TestUsers.Alice, "root"),
                    ["Jobs"] = Words("self", "show-status"),
                    ["As"] = Words("root"),
                    ["AllowRoot"] = true
                },
                new JsonObject { ["Name"] = "all", ["Callers"] = Words("*"), ["Jobs"] = Words("*"), ["As"] = Words("*", "self") }),
        };
    }
}

/// <summary>Tests that a job runs as root only if a rule names root and has AllowRoot; the worker checks it again.</summary>
public sealed class RootTests(RootGrantingDaemon shared) : IClassFixture<RootGrantingDaemon>
{
    private static readonly Account Root = new("root", 0, 0, [0], "/root", "/bin/sh");
    private readonly DaemonProcess daemon = shared.Daemon;

    [Fact(Timeout = Bound.Test)]
    public async Task A_rule_that_names_root_lets_its_callers_run_its_jobs_as_root()
    {
        FramedReply reply = await RawClient.RunAsync(daemon, "self", user: "root");
        Assert.Equal((ReplyCode.Ok, 0u), (reply.End.Code, reply.End.Uid));
        JsonNode self = JsonNode.Parse(reply.Text)!;
        Assert.Equal("[0,0,0]", self["userIds"]!.ToJsonString());
        Assert.Equal(
            [.. Libc.getgrouplist("root", new GroupId(0)).Select(group => group.Value).Order()],
            self["groups"]!.AsArray().Select(group => group!.GetValue<uint>()));
        Assert.True(self["noNewPrivileges"]!.GetValue<bool>());
        Assert.Equal("/root", self["environment"]!["HOME"]!.GetValue<string>());

        // It keeps the capabilities of the daemon, and gets no more.
        foreach (string set in new[] { "CapEff", "CapPrm", "CapBnd" })
            Assert.Equal(ProcFs.StatusField(daemon.Pid, set), self["status"]![set]!.GetValue<string>());
        Assert.Equal("0000000000000000", self["status"]!["CapAmb"]!.GetValue<string>());

        ToolResult alice = await Tool.RunAsAsync(
            TestUsers.Alice, [NativeBuild.Command, "--socket", daemon.Socket, "run", "--user", "root", "show-status"]);
        Assert.Equal(0, alice.ExitCode);
        Assert.Contains("\nUid:\t0\t0\t0\t0\n", alice.Text);
        Assert.Contains("\nNoNewPrivs:\t1\n", alice.Text);
        Assert.Contains($"\nCapEff:\t{ProcFs.StatusField(daemon.Pid, "CapEff")}\n", alice.Text);
    }

    [Fact(Timeout = Bound.Test)]
    public async Task Check_shows_that_the_job_would_run_as_root()
    {
        ToolResult check = await Tool.RunAsync(
            [NativeBuild.Command, "--socket", daemon.Socket, "check", "--json", "--user", "root", "self"]);
        CheckResult result = JsonSerializer.Deserialize(check.Output, CheckResultJson.Default.CheckResult)!;
        Assert.Equal((0, true, "ops", 0u), (check.ExitCode, result.Allowed, result.Rule, result.Uid));
    }

    [Theory(Timeout = Bound.Test)]
    [InlineData("id", "root")]
    [InlineData("id", "0")]
    [InlineData("self", "00")]
    [InlineData("self", "daemon")]
    public async Task A_grant_of_root_allows_no_other_jobs_and_no_other_system_accounts(string job, string user)
    {
        ReplyCode code = (await RawClient.RunAsync(daemon, job, user: user)).End.Code;
        Assert.Equal(user == "00" ? ReplyCode.Ok : ReplyCode.Denied, code);
        Assert.Equal(
            126, (await Tool.RunAsAsync(
                TestUsers.Bob, [NativeBuild.Command, "--socket", daemon.Socket, "run", "--user", user, job])).ExitCode);
    }

    [Fact(Timeout = Bound.Test)]
    public async Task A_worker_refuses_root_without_a_grant_in_the_order()
    {
        using JobHostByHand host = JobHostByHand.Start();
        string mark = Path.Combine(daemon.Folder, "root-mark");

        using (JobHostByHand.Worker worker = host.Fork())
        {
            worker.Order(Mark(Root, mark));
            StepFailed refusal = worker.Refusal();
            Assert.Equal((WorkerStep.Order, "a worker never runs a job as uid 0 unless a rule grants it"), (refusal.Step, refusal.Detail));
        }

        using (JobHostByHand.Worker worker = host.Fork())
        {
            worker.Order(Mark(Root, mark) with { GrantsRoot = true });
            StepFailed refusal = worker.Refusal();
            Assert.Equal((WorkerStep.Order, "the worker was forked for an order that does not grant root"), (refusal.Step, refusal.Detail));
        }

        Assert.False(File.Exists(mark));
        using JobHostByHand rootHost = JobHostByHand.Start(forRoot: true);
        using (JobHostByHand.Worker worker = rootHost.Fork())
        {
            worker.Order(Mark(Root, mark) with { GrantsRoot = true });
            await Bound.UntilAsync(() => File.Exists(mark), () => "the job that was granted root did not run");
        }

        Assert.Equal(UserId.Root, Libc.stat(mark)!.Value.Owner);
    }

    [Theory(Timeout = Bound.Test)]
    [InlineData(uint.MaxValue, 1u, false)]
    [InlineData(uint.MaxValue, 1u, true)]
    [InlineData(4_000_000u, uint.MaxValue, false)]
    [InlineData(4_000_000u, 1u, true)]
    public void A_worker_refuses_invalid_ids_and_a_grant_of_root_for_another_user(uint uid, uint gid, bool grantsRoot)
    {
        using JobHostByHand host = JobHostByHand.Start(forRoot: grantsRoot);
        using JobHostByHand.Worker worker = host.Fork();
        worker.Order(
            Mark(new Account("nobody", uid, gid, [gid], "/", "/bin/sh"),
                Path.Combine(daemon.Folder, "none")) with
            { GrantsRoot = grantsRoot });
        Assert.Equal(WorkerStep.Order, worker.Refusal().Step);
        Assert.False(File.Exists(Path.Combine(daemon.Folder, "none")));
    }

    [Fact(Timeout = Bound.Test)]
    public void A_worker_with_the_capabilities_of_root_accepts_only_orders_for_root()
    {
        using JobHostByHand host = JobHostByHand.Start(forRoot: true);
        using JobHostByHand.Worker worker = host.Fork();
        worker.Order(Mark(new Account("nobody", 4_000_000, 4_000_000, [4_000_000], "/", "/bin/sh"), Path.Combine(daemon.Folder, "none")));
        StepFailed refusal = worker.Refusal();
        Assert.Equal((WorkerStep.Order, "the worker was forked for an order that grants root"), (refusal.Step, refusal.Detail));
        Assert.False(File.Exists(Path.Combine(daemon.Folder, "none")));
    }

    private static WorkerOrder Mark(Account account, string path) => new()
    {
        Job = "mark",
        Account = account,
        Arguments = JsonSerializer.SerializeToUtf8Bytes(new Dictionary<string, string> { ["path"] = path }),
    };
}
