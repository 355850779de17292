using System.Text.Json;
using System.Text.Json.Nodes;
using PipeForkAs.EndToEnd.Faults;
using PipeForkAs.EndToEnd.Harness;
using PipeForkAs.Protocol.Client;

namespace PipeForkAs.EndToEnd;

/// <summary>A daemon with commands in sandboxes, and a folder that all users can write.</summary>
public sealed class SandboxDaemon : ConfiguredDaemon
{
    internal const string Dangerous =
        "ptrace process_vm_readv keyctl add_key unshare clone-namespace clone-parent setns mount bpf perf_event_open userfaultfd "
        + "io_uring_setup open_by_handle_at tiocsti tiocsti-high";

    internal const string Pairs = "pipe pair-stream pair-seqpacket";

    internal const string Daily = "unshare-files fork thread ioctl unix";

    protected override void Configure(JsonObject configuration)
    {
        string folder = Path.GetDirectoryName(configuration["Socket"]!["Path"]!.GetValue<string>())!, reach = Path.Combine(folder, "reach");
        string source = Path.Combine(AppContext.BaseDirectory, "Hostile", "reach.c");
        CProgram.BuildAsync(source, reach, "-static", "-pthread").GetAwaiter().GetResult();
        string open = Directory.CreateDirectory(Path.Combine(folder, "open")).FullName;
        foreach (string name in new[] { "r", "w", "secret" })
        {
            Directory.CreateDirectory(Path.Combine(open, name));
            File.WriteAllText(Path.Combine(open, name, "file"), "text");
            File.SetUnixFileMode(Path.Combine(open, name, "file"), (UnixFileMode)0x1B6); // 0666
            File.SetUnixFileMode(Path.Combine(open, name), (UnixFileMode)0x1FF); // 0777
        }

        string r = $"{open}/r", w = $"{open}/w", secret = $"{open}/secret";
        string[] files =
        [
            reach, $"read:{r}/file", $"write:{r}/file", $"make:{r}/new", $"cut:{r}/file", $"read:{w}/file", $"write:{w}/file",
                $"make:{w}/new", $"cut:{w}/file",
            $"read:{secret}/file", $"write:{secret}/file", $"cut:{secret}/file", "read:/etc/passwd", "write:/dev/null",
        ];
        string[] calls = [reach, .. Dangerous.Split(' '), .. Daily.Split(' '), "clone3", "x32", "inet", "inet6", "netlink"];
        var commands = (JsonObject)configuration["Commands"]!;
        commands["files-free"] = Command(files);
        commands["files"] = Command(files);
        commands["files"]!["Sandbox"] = new JsonObject { ["ReadOnly"] = Words(reach, r), ["ReadWrite"] = Words(w) };
        commands["files-less"] = commands["files"]!.DeepClone();
        commands["calls-free"] = Command(calls);
        commands["calls"] = Command(calls);
        commands["calls"]!["Sandbox"] = new JsonObject { ["Seccomp"] = "default" };
        commands["no-network"] = Command(calls);
        commands["no-network"]!["Sandbox"] = new JsonObject { ["NoNetwork"] = true };
        commands["files-sockets"] = Command([reach, "unix", "inet", "io_uring_setup"]);
        commands["files-sockets"]!["Sandbox"] = new JsonObject { ["ReadOnly"] = Words(reach) };
        AddThreeVariants(commands, "ask-by-socat",
            Command(["/bin/sh", "-c", "printf '%s\\n' \"$1\" | socat -t 30 - UNIX-CONNECT:\"$2\"", "sh", "{request}", "{socket}"],
                "request:string", "socket:string"));
        AddThreeVariants(commands, "names",
            Command(["/bin/sh", "-c", "id -un && id -gn && getent passwd root && getent group root && ! getent passwd pfa-nobody"]));
        AddThreeVariants(commands, "pairs",
            Command([reach, .. Pairs.Split(' '), "pair-datagram", "pair-raw", "pair-high", $"send:{folder}/datagrams"]), reach);
        AddThreeVariants(commands, "signals", Command([reach, "kill-child", "{pid}"], "pid:integer"), reach);
        AddThreeVariants(commands, "limits", Command([reach, "limiting", "{pid}"], "pid:integer"), reach);
        commands["other-table"] = Command([reach, "int80"]);
        commands["other-table"]!["Sandbox"] = new JsonObject { ["Seccomp"] = "default" };
        commands["missing"] = Command([reach]);
        commands["missing"]!["Sandbox"] = new JsonObject { ["ReadOnly"] = Words(reach, $"{open}/none") };
        commands["home"] = Command(["/bin/sh", "-c", "cat ~/box/file ~/file; echo more >>~/box/file && echo written"]);
        commands["home"]!["Sandbox"] = new JsonObject
        {
            ["ReadOnly"] = Words("/usr", "/bin", "/lib", "/lib64", "/etc"),
            ["ReadWrite"] = Words("~/box"),
        };
        configuration["Jobs"] = new JsonObject
        {
            ["files-less"] = new JsonObject { ["Sandbox"] = new JsonObject { ["ReadOnly"] = Words(reach, r, w, secret) } },
            ["self"] = new JsonObject { ["Sandbox"] = new JsonObject { ["Seccomp"] = "default" } },
        };
    }

    /// <summary>
    /// A command without a sandbox, one with only restricted files (<c>-files</c>), and one with only the network forbidden
    /// (<c>-network</c>).
    /// </summary>
    private static void AddThreeVariants(JsonObject commands, string name, JsonObject command, params string[] more)
    {
        commands[name] = command;
        commands[$"{name}-files"] = command.DeepClone();
        commands[$"{name}-files"]!["Sandbox"] =
            new JsonObject { ["ReadOnly"] = Words(["/usr", "/bin", "/lib", "/lib64", "/etc", .. more]) };
        commands[$"{name}-network"] = command.DeepClone();
        commands[$"{name}-network"]!["Sandbox"] = new JsonObject { ["NoNetwork"] = true };
    }
}

/// <summary>Tests what a sandbox forbids, and that it forbids nothing else.</summary>
public sealed class SandboxTests(SandboxDaemon shared) : IClassFixture<SandboxDaemon>
{
    private const int EPERM = 1, EACCES = 13, ENOSYS = 38, EAFNOSUPPORT = 97;
    private readonly DaemonProcess daemon = shared.Daemon;

    [Fact(Timeout = Bound.Test)]
    public async Task Files_outside_of_the_lists_are_inaccessible_and_read_only_files_not_writable()
    {
        Dictionary<string, int> free = await ReachAsync("files-free"), boxed = await ReachAsync("files");

        Assert.All(free, word => Assert.Equal(0, word.Value));
        Assert.Equal(free.Keys, boxed.Keys);
        foreach ((string word, int errno) in boxed)
            Assert.Equal(
                (word, word.StartsWith("read:", StringComparison.Ordinal) && word.Contains("/r/") || word.Contains("/w/")
                    || word == "write:/dev/null" ? 0 : EACCES), (word, errno));
    }

    [Fact(Timeout = Bound.Test)]
    public async Task The_configuration_can_only_tighten_a_sandbox()
    {
        Dictionary<string, int> boxed = await ReachAsync("files-less");

        foreach ((string word, int errno) in boxed)
            Assert.Equal(
                (word, word.StartsWith("read:", StringComparison.Ordinal) && (word.Contains("/r/") || word.Contains("/w/"))
                    || word == "write:/dev/null" ? 0 : EACCES), (word, errno));
    }

    [Fact(Timeout = Bound.Test)]
    public async Task The_default_profile_forbids_dangerous_calls_and_allows_ordinary_programs()
    {
        Dictionary<string, int> free = await ReachAsync("calls-free"), boxed = await ReachAsync("calls");

        Assert.NotEqual(EPERM, free["process_vm_readv"]);
        Assert.NotEqual(EPERM, free["setns"]);
        Assert.Equal(0, free["clone-parent"]);
        Assert.All(SandboxDaemon.Dangerous.Split(' '), word => Assert.Equal((word, EPERM), (word, boxed[word])));
        Assert.All(SandboxDaemon.Daily.Split(' '), word => Assert.Equal((word, free[word]), (word, boxed[word])));
        Assert.Equal((ENOSYS, ENOSYS), (boxed["clone3"], boxed["x32"]));
        Assert.Equal((0, 0, 0), (boxed["inet"], boxed["inet6"], boxed["netlink"]));
    }

    [Fact(Timeout = Bound.Test)]
    public async Task Without_network_no_sockets_can_be_created()
    {
        Dictionary<string, int> boxed = await ReachAsync("no-network");

        Assert.Equal(
            (EAFNOSUPPORT, EAFNOSUPPORT, EAFNOSUPPORT, EAFNOSUPPORT), (boxed["inet"], boxed["inet6"], boxed["netlink"], boxed["unix"]));
        Assert.Equal((EPERM, 0), (boxed["io_uring_setup"], boxed["clone3"]));
    }

    [Fact(Timeout = Bound.Test)]
    public async Task With_restricted_files_a_job_cannot_reach_local_services()
    {
        Dictionary<string, int> boxed = await ReachAsync("files-sockets");

        Assert.Equal((EAFNOSUPPORT, 0, EPERM), (boxed["unix"], boxed["inet"], boxed["io_uring_setup"]));
    }

    [Fact(Timeout = Bound.Test)]
    public async Task A_system_call_of_another_architecture_kills_the_job()
    {
        FramedReply reply = await RawClient.RunAsync(daemon, "other-table");

        Assert.Equal((ReplyCode.Signaled, 31), (reply.End.Code, reply.End.Signal)); // SIGSYS
    }

    [Fact(Timeout = Bound.Test)]
    public async Task A_job_does_not_run_if_a_path_of_its_sandbox_is_missing()
    {
        FramedReply reply = await RawClient.RunAsync(daemon, "missing");

        Assert.Equal((ReplyCode.Internal, ""), (reply.End.Code, reply.Text));
        Assert.Contains("step Landlock:", reply.End.Message);
        Assert.Contains("ENOENT", reply.End.Message);
    }

    [Fact(Timeout = Bound.Test)]
    public async Task The_home_in_a_sandbox_is_that_of_the_user_and_links_do_not_lead_out_of_it()
    {
        string home = TestUsers.Entry(TestUsers.Alice).Home;
        await AsAliceAsync($"mkdir {home}/box && echo inside >{home}/box/file && echo outside >{home}/file");
        try
        {
            FramedReply reply = await RawClient.RunAsync(daemon, "home");
            Assert.Equal("inside\nwritten\n", reply.Text);
            Assert.Contains("Permission denied", System.Text.Encoding.UTF8.GetString(reply.Stderr));

            await AsAliceAsync($"mv {home}/box {home}/real && ln -s / {home}/box");
            reply = await RawClient.RunAsync(daemon, "home");
            Assert.Equal(ReplyCode.Internal, reply.End.Code);
            Assert.Contains("step Landlock:", reply.End.Message);
        }
        finally
        {
            await AsAliceAsync($"rm -rf {home}/box {home}/real {home}/file");
        }
    }

    [Fact(Timeout = Bound.Test)]
    public async Task A_function_declares_its_sandbox_in_code_and_runs_in_it_on_all_threads()
    {
        string home = TestUsers.Entry(TestUsers.Alice).Home;
        await AsAliceAsync($"mkdir {home}/box");
        try
        {
            FramedReply reply = await RawClient.RunAsync(
                daemon, "boxed",
                $$"""{"read":["/etc/passwd","/etc/hostname","/usr/bin/true"]"""
                    + $$""","write":["{{home}}/box/file","{{home}}/file","/tmp/pipeforkas-boxed"]}""");

            Assert.Equal((ReplyCode.Ok, ""), (reply.End.Code, reply.End.Message ?? ""));
            Assert.Equal(
                $"read /etc/passwd: ok\nread /etc/hostname: refused\nread /usr/bin/true: "
                + $"ok\nwrite {home}/box/file: ok\nwrite {home}/file: refused\n"
                + "write /tmp/pipeforkas-boxed: refused\nnetwork: refused\nlocal: refused\n",
                reply.Text);
        }
        finally
        {
            await AsAliceAsync($"rm -rf {home}/box");
        }
    }

    [Fact(Timeout = Bound.Test)]
    public async Task The_configuration_puts_a_function_into_a_sandbox_and_describe_shows_all_of_them()
    {
        using JsonDocument self = await DescribeAsync("self"), boxed = await DescribeAsync("boxed"),
            files = await DescribeAsync("files-less"), free = await DescribeAsync("files-free");

        Assert.Equal(
            """[{"readOnly":[],"readWrite":[],"noNetwork":false,"seccomp":"default"}]""",
            self.RootElement.GetProperty("sandbox").GetRawText());
        Assert.Equal(
            """[{"readOnly":["/usr","/etc/passwd"],"readWrite":["~/box"],"noNetwork":true,"seccomp":"default"}]""",
            boxed.RootElement.GetProperty("sandbox").GetRawText());
        Assert.Equal(2, files.RootElement.GetProperty("sandbox").GetArrayLength());
        Assert.False(free.RootElement.TryGetProperty("sandbox", out _));

        FramedReply reply = await RawClient.RunAsync(daemon, "self");
        using JsonDocument report = JsonDocument.Parse(reply.Stdout);
        Assert.Equal("2", report.RootElement.GetProperty("status").GetProperty("Seccomp").GetString());
    }

    [Theory(Timeout = Bound.Test)]
    [InlineData(444, "no Landlock", """{"ReadOnly":["/usr"]}""")]
    [InlineData(317, "no seccomp", """{"Seccomp":"default"}""")]
    [InlineData(317, "no seccomp", """{"NoNetwork":true}""")]
    [InlineData(317, "no seccomp", """{"ReadOnly":["/usr"]}""")]
    public async Task A_daemon_does_not_start_if_the_kernel_lacks_support_for_a_sandbox(int call, string lack, string sandbox)
    {
        (string folder, JsonObject configuration) = DaemonProcess.Prepare();
        configuration["JobHosts"] = new JsonArray(new JsonObject { ["Path"] = NativeBuild.StockJobs, ["Workers"] = 1 });
        configuration["Commands"] =
            new JsonObject
            {
                ["demanding"] = new JsonObject
                {
                    ["Command"] = new JsonArray("/usr/bin/true"),
                    ["Sandbox"] = JsonNode.Parse(sandbox),
                }
            };

        await using DaemonProcess lacking = await FaultyKernel.LaunchDaemonAsync(folder, configuration, [new Fault(call, ENOSYS)]);

        Assert.Equal(78, await lacking.EndedAsync());
        Assert.Contains(
            "the sandbox of the job \"demanding\" (Commands:demanding:Sandbox) cannot be applied: the kernel has " + lack, lacking.Log);
    }

    [Fact(Timeout = Bound.Test)]
    public async Task Without_access_to_Landlock_the_daemon_names_the_job_and_the_key()
    {
        (string folder, JsonObject configuration) = DaemonProcess.Prepare();
        configuration["JobHosts"] = new JsonArray(new JsonObject { ["Path"] = NativeBuild.StockJobs, ["Workers"] = 1 });
        configuration["Jobs"] = JsonNode.Parse("""{"id":{"Sandbox":{"NoNetwork":true}}}""");

        await using DaemonProcess barred = await FaultyKernel.LaunchDaemonAsync(folder, configuration, [new Fault(444, EPERM)]);

        Assert.Equal(78, await barred.EndedAsync());
        Assert.Contains("the sandbox of the job \"id\" (Jobs:id:Sandbox) cannot be applied: Landlock is blocked", barred.Log);
    }

    [Theory(Timeout = Bound.Test)]
    [InlineData(446, "step Landlock:")]
    [InlineData(317, "step Seccomp:")]
    public async Task A_job_does_not_run_if_its_sandbox_fails(int call, string step)
    {
        string home = TestUsers.Entry(TestUsers.Alice).Home;
        await AsAliceAsync($"mkdir {home}/box");
        try
        {
            await using DaemonProcess faulty = await FaultyKernel.StartDaemonAsync([new Fault(call, EPERM)]);
            FramedReply reply = await RawClient.RunAsync(faulty, "boxed", """{"read":["/etc/passwd"],"write":[]}""");

            Assert.Equal((ReplyCode.Internal, ""), (reply.End.Code, reply.Text));
            Assert.Contains(step, reply.End.Message);
        }
        finally
        {
            await AsAliceAsync($"rm -rf {home}/box");
        }
    }

    private async Task<Dictionary<string, int>> ReachAsync(string job)
    {
        FramedReply reply = await RawClient.RunAsync(daemon, job);
        Assert.Equal((job, ReplyCode.Ok, ""), (job, reply.End.Code, reply.End.Message ?? ""));
        return reply.Text.Split('\n', StringSplitOptions.RemoveEmptyEntries).Select(line => line.Split(' '))
            .ToDictionary(parts => parts[0], parts => int.Parse(parts[1], System.Globalization.CultureInfo.InvariantCulture));
    }

    private async Task<JsonDocument> DescribeAsync(string job) =>
        JsonDocument.Parse((await RawClient.FramesAsync(daemon, $$"""{"op":"describe","job":"{{job}}","reply":"frames"}""")).Stdout);

    private static Task<string> AsAliceAsync(string script) =>
        Tool.MustAsync("runuser", "-u", TestUsers.Alice, "--", "/bin/sh", "-c", script);
}
