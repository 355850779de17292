using System.Globalization;
using System.Net.Sockets;
using System.Text;
using System.Text.Json.Nodes;
using PipeForkAs.EndToEnd.Harness;
using PipeForkAs.LibC;
using PipeForkAs.Protocol.Client;

namespace PipeForkAs.EndToEnd;

/// <summary>A daemon with limits for its workers that differ from its own, and commands that show them.</summary>
public sealed class IsolatingDaemon : ConfiguredDaemon
{
    public const int OpenFiles = 200, CpuSeconds = 77, FileSize = 123_456, Nice = 3;
    public const string Umask = "0027";

    protected override void Configure(JsonObject configuration)
    {
        configuration["Limits"]!["Worker"] = new JsonObject
        {
            ["OpenFiles"] = OpenFiles,
            ["CpuSeconds"] = CpuSeconds,
            ["FileSize"] = FileSize,
            ["Nice"] = Nice,
            ["Umask"] = Umask,
        };
        var commands = (JsonObject)configuration["Commands"]!;
        commands["show-status"] = Command(["/usr/bin/cat", "/proc/self/status"]);
        commands["show-keys"] = Command(["/usr/bin/cat", "/proc/keys"]);
        commands["show-environment"] = Command(["/usr/bin/env", "-0"]);
        commands["show-environment"]!["Env"] = Words("LANG", "TEST_VALUE");
        commands["show-folder"] = Command(["/bin/pwd"]);
        commands["show-limits"] = Command(["/usr/bin/cat", "/proc/self/limits"]);
        commands["nap"] = Command(["/usr/bin/sleep", "{seconds}"], "seconds:integer");
        commands["become-root"] = Command(["/usr/bin/su", "-c", "id", "root"]);
    }
}

/// <summary>Tests that a running job is exactly the user, without anything of the daemon: from inside, and from outside by /proc.</summary>
public sealed class IsolationTests(IsolatingDaemon shared) : IClassFixture<IsolatingDaemon>
{
    private const string NoCapabilities = "0000000000000000";
    private static readonly string[] CapabilitySets = ["CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb"];
    private readonly DaemonProcess daemon = shared.Daemon;

    /// <summary>
    /// A function and a command that keep running. The function has no arguments because .NET opens /dev/urandom when it reads JSON (as the
    /// user).
    /// </summary>
    public static TheoryData<string, string> Jobs => new() { { "count-stdin", "{}" }, { "nap", """{"seconds":100}""" } };

    private static PasswordEntry Alice => TestUsers.Entry(TestUsers.Alice);

    private static string[] GroupsOfAlice =>
        [.. Libc.getgrouplist(TestUsers.Alice, Alice.Gid).Select(gid => gid.Value).Order().Select(
            gid => gid.ToString(CultureInfo.InvariantCulture))];

    [Fact(Timeout = Bound.Test)]
    public async Task A_function_sees_itself_as_the_user_and_nothing_else()
    {
        JsonNode self = await SelfAsync();

        Assert.Equal(Three(Alice.Uid.Value), Numbers(self["userIds"]));
        Assert.Equal(Three(Alice.Gid.Value), Numbers(self["groupIds"]));
        Assert.Equal(2, GroupsOfAlice.Length);
        Assert.Equal(GroupsOfAlice, Numbers(self["groups"]));
        Assert.True(self["noNewPrivileges"]!.GetValue<bool>());
        Assert.All(CapabilitySets, set => Assert.Equal(NoCapabilities, self["status"]![set]!.GetValue<string>()));
        Assert.Equal(["0", "1", "2", "3"], ((JsonObject)self["descriptors"]!).Select(pair => pair.Key).Order());
        Assert.Equal(Alice.Home, self["workingDirectory"]!.GetValue<string>());
        Assert.Equal(self["pid"]!.GetValue<int>(), self["session"]!.GetValue<int>());
        Assert.Equal(self["pid"]!.GetValue<int>(), self["processGroup"]!.GetValue<int>());
        Assert.Equal(0, self["terminal"]!.GetValue<int>());
        Assert.Equal(IsolatingDaemon.Nice, self["nice"]!.GetValue<int>());
        Assert.Equal(0, self["oomScoreAdjust"]!.GetValue<int>());
        Assert.Equal(NoCapabilities, self["status"]!["SigBlk"]!.GetValue<string>());
        Assert.Equal(IsolatingDaemon.Umask, self["status"]!["Umask"]!.GetValue<string>());
        Assert.Equal(Three(IsolatingDaemon.OpenFiles)[..2], Numbers(self["limits"]!["RLIMIT_NOFILE"]));
        Assert.Equal(Three(IsolatingDaemon.CpuSeconds)[..2], Numbers(self["limits"]!["RLIMIT_CPU"]));
        Assert.Equal(Three(IsolatingDaemon.FileSize)[..2], Numbers(self["limits"]!["RLIMIT_FSIZE"]));
    }

    [Fact(Timeout = Bound.Test)]
    public async Task A_user_with_one_group_has_only_that_group()
    {
        JsonNode self = await SelfAsync(TestUsers.Bob);

        Assert.Equal([TestUsers.Entry(TestUsers.Bob).Gid.ToString()], Numbers(self["groups"]));
    }

    [Fact(Timeout = Bound.Test)]
    public async Task A_command_sees_itself_as_the_user_and_nothing_else()
    {
        FramedReply reply = await RawClient.RunAsync(daemon, "show-status");
        Dictionary<string, string> status = reply.Text.Split('\n', StringSplitOptions.RemoveEmptyEntries)
            .Select(line => line.Split(':', 2)).ToDictionary(parts => parts[0], parts => parts[1].Trim().Replace('\t', ' '));

        Assert.Equal(string.Join(' ', Enumerable.Repeat(Alice.Uid, 4)), status["Uid"]);
        Assert.Equal(string.Join(' ', Enumerable.Repeat(Alice.Gid, 4)), status["Gid"]);
        Assert.Equal(string.Join(' ', GroupsOfAlice), status["Groups"]);
        Assert.All(CapabilitySets, set => Assert.Equal(NoCapabilities, status[set]));
        Assert.All(["SigBlk", "SigIgn", "SigCgt"], set => Assert.Equal(NoCapabilities, status[set]));
        Assert.Equal(("1", IsolatingDaemon.Umask, "0"), (status["NoNewPrivs"], status["Umask"], status["TracerPid"]));
    }

    [Theory(Timeout = Bound.Test)]
    [MemberData(nameof(Jobs))]
    public async Task The_parent_sees_a_running_job_as_the_user_and_nothing_else(string job, string arguments)
    {
        using Socket client = await StartAsync(job, arguments);
        int pid = await JobOfAliceAsync(job == "nap" ? "sleep" : null);

        Assert.Equal(string.Join(' ', Enumerable.Repeat(Alice.Uid, 4)), ProcFs.StatusField(pid, "Uid"));
        Assert.Equal(string.Join(' ', Enumerable.Repeat(Alice.Gid, 4)), ProcFs.StatusField(pid, "Gid"));
        Assert.Equal(string.Join(' ', GroupsOfAlice), ProcFs.StatusField(pid, "Groups"));
        Assert.All(CapabilitySets, set => Assert.Equal(NoCapabilities, ProcFs.StatusField(pid, set)));
        Assert.Equal(NoCapabilities, ProcFs.StatusField(pid, "SigBlk"));
        Assert.Equal("1", ProcFs.StatusField(pid, "NoNewPrivs"));
        Assert.Equal(IsolatingDaemon.Umask, ProcFs.StatusField(pid, "Umask"));
        Assert.Equal((pid, pid), (ProcFs.Stat(pid)!.Value.Group, ProcFs.Stat(pid)!.Value.Session));
        Assert.Equal("0", ProcFs.StatFields(pid)[4]);
        Assert.Equal($"{IsolatingDaemon.Nice}", ProcFs.StatFields(pid)[16]);
        Assert.Equal("0", File.ReadAllText($"/proc/{pid}/oom_score_adj").Trim());
        Assert.Equal(Alice.Home, new FileInfo($"/proc/{pid}/cwd").LinkTarget);
        Assert.Equal("/", new FileInfo($"/proc/{pid}/root").LinkTarget);

        // The three streams; for a function also the control socket and the descriptor that wakes its blocked read when it is cancelled.
        // Nothing else stays open: the function loads a library.
        string[] streams = job == "nap" ? ["0 pipe", "1 pipe", "2 pipe"] : ["0 socket", "1 socket", "2 socket", "3 socket", "4 anon_inode"];
        string[] descriptors = [];
        await Bound.UntilAsync(
            () => (descriptors = DescriptorsOf(pid)).SequenceEqual(streams), () => $"its descriptors are {string.Join(", ", descriptors)}");

        // A function has the memory of its job host, so root owns its files in /proc, and not even its user can read them (prctl(2),
        // PR_SET_DUMPABLE).
        Assert.Equal(job == "nap" ? Alice.Uid : UserId.Root, Libc.stat($"/proc/{pid}/mem")!.Value.Owner);
    }

    /// <summary>It has the descriptors that it relays between, and a signalfd; not the control socket.</summary>
    [Fact(Timeout = Bound.Test)]
    public async Task The_worker_of_a_program_runs_as_the_user_and_has_only_its_streams()
    {
        using Socket client = await StartAsync("nap", """{"seconds":100}""");
        int worker = ProcFs.Stat(await JobOfAliceAsync("sleep"))!.Value.Parent;

        Assert.Equal(string.Join(' ', Enumerable.Repeat(Alice.Uid, 4)), ProcFs.StatusField(worker, "Uid"));
        Assert.All(CapabilitySets, set => Assert.Equal(NoCapabilities, ProcFs.StatusField(worker, set)));
        Assert.Equal(("1", "1"), (ProcFs.StatusField(worker, "NoNewPrivs"), ProcFs.StatusField(worker, "Threads")));
        Assert.Equal(UserId.Root, Libc.stat($"/proc/{worker}/mem")!.Value.Owner);
        string[] kinds = [];
        await Bound.UntilAsync(
            () => (kinds = [.. DescriptorsOf(worker).Select(text => text.Split(' ')[1]).Order(StringComparer.Ordinal)])
                .SequenceEqual(["anon_inode", "pipe", "pipe", "pipe", "socket", "socket", "socket"]),
            () => $"its descriptors are {string.Join(", ", kinds)}");
    }

    [Fact(Timeout = Bound.Test)]
    public async Task Without_an_accessible_home_the_job_starts_in_the_root_folder()
    {
        string home = TestUsers.Entry(TestUsers.Bob).Home, away = home + "-away";
        Directory.Move(home, away);
        try
        {
            Assert.Equal("/", (await SelfAsync(TestUsers.Bob))["workingDirectory"]!.GetValue<string>());
            Assert.Equal("/\n", (await RawClient.RunAsync(daemon, "show-folder", user: TestUsers.Bob)).Text);
            Directory.CreateDirectory(home, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute); // Of root.
            Assert.Equal("/", (await SelfAsync(TestUsers.Bob))["workingDirectory"]!.GetValue<string>());
        }
        finally
        {
            if (Directory.Exists(home))
                Directory.Delete(home);
            Directory.Move(away, home);
        }

        Assert.Equal(home, (await SelfAsync(TestUsers.Bob))["workingDirectory"]!.GetValue<string>());
    }

    [Fact(Timeout = Bound.Test)]
    public async Task No_call_leads_back_to_root()
    {
        FramedReply reply = await RawClient.RunAsync(daemon, "regain-root");

        JsonArray attempts = JsonNode.Parse(reply.Text)!.AsArray();
        Assert.InRange(attempts.Count, 10, 100);
        Assert.All(attempts, attempt => Assert.False(attempt!["succeeded"]!.GetValue<bool>(), attempt.ToJsonString()));
        Assert.Equal(ReplyCode.Ok, reply.End.Code);
    }

    [Fact(Timeout = Bound.Test)]
    public async Task A_set_user_id_program_gains_nothing()
    {
        FramedReply reply = await RawClient.RunAsync(daemon, "become-root", input: "\n"u8.ToArray());

        Assert.NotEqual(ReplyCode.Ok, reply.End.Code);
        Assert.DoesNotContain("uid=0", reply.Text);
    }

    /// <summary>Its own session keyring: no other job finds its keys; keyrings(7).</summary>
    [Fact(Timeout = Bound.Test)]
    public async Task Two_jobs_have_different_session_keyrings()
    {
        if (!File.Exists("/proc/keys"))
            Assert.Skip("this kernel has no /proc/keys (CONFIG_KEYS)");

        string first = await SessionKeyringAsync(), second = await SessionKeyringAsync();

        Assert.NotEqual("", first);
        Assert.NotEqual(first, second);
    }

    /// <summary>The daemon is stopped meanwhile, so only the kernel can end the worker.</summary>
    [Theory(Timeout = Bound.Test)]
    [MemberData(nameof(Jobs))]
    public async Task A_job_dies_with_its_job_host(string job, string arguments)
    {
        await using DaemonProcess own = await DaemonProcess.StartAsync(configuration =>
        {
            configuration["JobHosts"] = new JsonArray(new JsonObject { ["Path"] = NativeBuild.TestJobs, ["Workers"] = 1 });
            configuration["Commands"] =
                new JsonObject
                {
                    ["nap"] = JsonNode.Parse(
                    """{"Command":["/usr/bin/sleep","{seconds}"],"Parameters":{"seconds":{"Type":"integer"}}}""")
                };
        });
        int host = Assert.Single(own.JobHosts);
        using Socket client = await StartAsync(job, arguments, own);
        int pid = await JobOfAliceAsync(job == "nap" ? "sleep" : null);

        Libc.kill(new ProcessId(own.Pid), new Signal(19)); // SIGSTOP
        try
        {
            Libc.kill(new ProcessId(host), Signal.SIGKILL);
            await Bound.UntilAsync(() => ProcFs.Stat(pid) is null or { State: 'Z' }, () => $"process {pid} continues without its job host");
        }
        finally
        {
            Libc.kill(new ProcessId(own.Pid), Signal.SIGCONT);
        }

        var reply = FramedReply.Parse(await RawClient.ReadToEndAsync(client));
        Assert.Equal(ReplyCode.HostLost, reply.End.Code);
        Assert.Equal(ReplyCode.Ok, (await RawClient.RunAsync(own, "static-counter")).End.Code);
        Assert.Equal(0, await own.StopAsync());
    }

    [Fact(Timeout = Bound.Test)]
    public async Task Settings_of_the_daemon_process_do_not_pass_to_a_job()
    {
        await using DaemonProcess own = await DaemonProcess.StartAsync(static configuration =>
        {
            foreach (JsonNode? host in (JsonArray)configuration["JobHosts"]!)
                host!["Workers"] = 0;
        });
        foreach (int pid in ProcFs.Descendants(own.Pid).Append(own.Pid))
        {
            await Tool.MustAsync("renice", "-n", "7", "-p", $"{pid}");
            File.WriteAllText($"/proc/{pid}/oom_score_adj", "300");
        }

        JsonNode self = JsonNode.Parse((await RawClient.RunAsync(own, "self")).Text)!;

        Assert.Equal((0, 0), (self["nice"]!.GetValue<int>(), self["oomScoreAdjust"]!.GetValue<int>()));
        Assert.Equal(0, await own.StopAsync());
    }

    [Fact(Timeout = Bound.Test)]
    public async Task The_limits_of_a_job_apply()
    {
        FramedReply limits = await RawClient.RunAsync(daemon, "show-limits");
        Assert.Matches($@"Max open files +{IsolatingDaemon.OpenFiles} +{IsolatingDaemon.OpenFiles} ", limits.Text);
        Assert.Matches($@"Max cpu time +{IsolatingDaemon.CpuSeconds} +{IsolatingDaemon.CpuSeconds} ", limits.Text);

        // A file beyond the limit: SIGXFSZ terminates the job, or the write fails with EFBIG if the runtime ignores the signal;
        // setrlimit(2).
        FramedReply written = await RawClient.RunAsync(
            daemon, "write-file", """{"path":"big"}""", input: new byte[IsolatingDaemon.FileSize + 1]);
        Assert.NotEqual(ReplyCode.Ok, written.End.Code);
        Assert.False(File.Exists(Path.Combine(Alice.Home, "big")));
        written = await RawClient.RunAsync(daemon, "write-file", """{"path":"small"}""", input: new byte[IsolatingDaemon.FileSize]);
        Assert.Equal(ReplyCode.Ok, written.End.Code);
        FileStatus small = Libc.stat(Path.Combine(Alice.Home, "small"))!.Value;
        Assert.Equal((Alice.Uid, Alice.Gid), (small.Owner, small.Group));
        Assert.Equal(0u, small.Permissions & 0x17); // 027
    }

    private static string[] Three(long value) => [.. Enumerable.Repeat(value.ToString(CultureInfo.InvariantCulture), 3)];

    private static IEnumerable<string> Numbers(JsonNode? array) => array!.AsArray().Select(number => number!.ToJsonString());

    private async Task<JsonNode> SelfAsync(string? user = null)
    {
        FramedReply reply = await RawClient.RunAsync(daemon, "self", user: user);
        Assert.True(reply.End.Code == ReplyCode.Ok, reply.End.Message);
        return JsonNode.Parse(reply.Text)!;
    }

    /// <summary>The number of the keyring that /proc/keys calls _ses: only its possessor sees it there.</summary>
    private async Task<string> SessionKeyringAsync()
    {
        FramedReply reply = await RawClient.RunAsync(daemon, "show-keys");
        Assert.Equal(ReplyCode.Ok, reply.End.Code);
        return string.Join(
            ' ', reply.Text.Split('\n').Where(line => line.Contains(" keyring   _ses", StringComparison.Ordinal)).Select(
                line => line.Split(' ')[0]));
    }

    private async Task<Socket> StartAsync(string job, string arguments, DaemonProcess? of = null)
    {
        Socket client = await RawClient.ConnectAsync(of ?? daemon);
        await client.SendAsync(
            Encoding.UTF8.GetBytes($$"""{"job":"{{job}}","user":"{{TestUsers.Alice}}","args":{{arguments}},"reply":"frames"}""" + "\n"));
        return client;
    }

    /// <summary>Each with its file type; <c>null</c> if it was closed meanwhile.</summary>
    private static string[] DescriptorsOf(int pid) =>
        [.. Directory.GetFileSystemEntries($"/proc/{pid}/fd").Order(StringComparer.Ordinal).Select(
            path => $"{Path.GetFileName(path)} {new FileInfo(path).LinkTarget?.Split(':')[0] ?? "null"}")];

    /// <summary>The only process of alice besides the worker of a program, once its setup is complete.</summary>
    private static async Task<int> JobOfAliceAsync(string? program)
    {
        int[] all = [], found = [];
        await Bound.UntilAsync(
            () =>
            {
                all = [.. ProcFs.OfUsers([Alice.Uid])];
                found = [.. all.Where(pid => program is null ? ProcFs.TakesSignals(pid) : ProcFs.StatusField(pid, "Name") == program)];
                return found.Length == 1 && all.Length == (program is null ? 1 : 2);
            },
            () => $"the job does not run, or {all.Length} processes do");
        return found[0];
    }
}
