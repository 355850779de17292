using System.Diagnostics;
using System.Text.Json.Nodes;
using PipeForkAs.EndToEnd.Harness;
using PipeForkAs.LibC;
using PipeForkAs.Protocol.Client;

namespace PipeForkAs.EndToEnd.Faults;

/// <summary>
/// Tests each step by which a worker becomes the user: if it fails, the code of the job never runs, and the reply has the step and the
/// errno. If the kernel reports success without effect, the verification finds it.
/// </summary>
/// <remarks>
/// Two steps cannot be made to fail from outside: Environment makes no system call, and UnblockSignals makes one that the job host makes
/// with the same arguments before every fork.
/// </remarks>
public sealed class FaultInjectionTests
{
    private const int EPERM = 1, EIO = 5, EAGAIN = 11, EACCES = 13, EINVAL = 22, EMFILE = 24;
    private const int Dup2 = 33, Vfork = 58, Splice = 275;
    private const int RtSigaction = 13, Recvmsg = 47, Chdir = 80, Setsid = 112, Setgroups = 116, Setresuid = 117, Setresgid = 119,
        Capset = 126, Setpriority = 141, Prctl = 157, Keyctl = 250, Openat = 257, Dup3 = 292, Prlimit64 = 302, CloseRange = 436;

    private const int FalseSuccess = 0;
    private const string Minus1 = "0xffffffff";

    public static TheoryData<string, int, int, string> FailingSteps { get; } = new()
    {
        { "Signals", RtSigaction, EINVAL, "0=30" },
        { "Session", Setsid, EPERM, "" },
        { "CloseDescriptors", CloseRange, EINVAL, "" },
        { "Keyring", Keyctl, EPERM, "0=1" },
        { "Capabilities", Prctl, EINVAL, "0=47" },
        { "Order", Recvmsg, EIO, "" },
        { "Pipes", Dup3, EMFILE, "2=0" },
        { "OomScoreAdjust", Openat, EACCES, "2=0x80001" },
        { "Nice", Setpriority, EACCES, "" },
        { "ResourceLimits", Prlimit64, EPERM, "1=0" },
        { "Groups", Setgroups, EPERM, "" },
        { "GroupIds", Setresgid, EPERM, "" },
        { "UserIds", Setresuid, EAGAIN, "" },
        { "Capabilities", Capset, EPERM, "" },
        { "NoNewPrivileges", Prctl, EINVAL, "0=38" },
        { "Dumpable", Prctl, EINVAL, "0=4 1=0" },
        { "ParentDeathSignal", Prctl, EINVAL, "0=1" },
        { "WorkingDirectory", Chdir, EACCES, "" },
    };

    public static TheoryData<string, int, string> FalseSuccesses { get; } = new()
    {
        { "the supplementary groups", Setgroups, "" },
        { "the group ids", Setresgid, "" },
        { "the user ids", Setresuid, "" },
        { "no_new_privs", Prctl, "0=38" },
        { "setresuid(-1, 0, -1)", Setresuid, $"0={Minus1} 1=0" },
        { "setresgid to another group", Setresgid, $"0={Minus1} 1=0" },
        { "setgroups(0)", Setgroups, "0=0" },
    };

    [Theory(Timeout = Bound.Test)]
    [MemberData(nameof(FailingSteps))]
    public async Task If_a_step_fails_the_job_does_not_run_and_the_reply_has_the_step_and_errno(
        string step, int call, int errno, string arguments)
    {
        await using DaemonProcess daemon = await FaultyKernel.StartDaemonAsync([new Fault(call, errno, arguments)], LimitMore);
        FramedReply reply = await MarkAsync(daemon);
        Assert.Equal(ReplyCode.Internal, reply.End.Code);
        Assert.Contains($"step {step}:", reply.End.Message);
        Assert.Contains($"[errno {errno}]", reply.End.Message);
        Assert.Equal(0, await daemon.StopAsync());
    }

    [Theory(Timeout = Bound.Test)]
    [MemberData(nameof(FalseSuccesses))]
    public async Task Verification_finds_calls_that_report_success_without_effect(string what, int call, string arguments)
    {
        await using DaemonProcess daemon = await FaultyKernel.StartDaemonAsync([new Fault(call, FalseSuccess, arguments)]);
        FramedReply reply = await MarkAsync(daemon);
        Assert.Equal(ReplyCode.Internal, reply.End.Code);
        Assert.Contains("step Verify:", reply.End.Message);
        Assert.Contains(what, reply.End.Message);
        Assert.Equal(0, await daemon.StopAsync());
    }

    [Theory(Timeout = Bound.Test)]
    [InlineData(EPERM, "the capability bounding set cannot be emptied")]
    [InlineData(FalseSuccess, "capability 0 is still in the bounding set")]
    public async Task A_job_host_that_keeps_capabilities_does_not_serve(int errno, string reason)
    {
        string refusal =
            (await Assert.ThrowsAnyAsync<Exception>(() => FaultyKernel.StartDaemonAsync([new Fault(Prctl, errno, "0=24")]))).Message;
        Assert.Contains(reason, refusal, StringComparison.Ordinal);
    }

    [Fact(Timeout = Bound.Test)]
    public async Task Without_faults_the_job_runs_with_the_filter()
    {
        await using DaemonProcess daemon = await FaultyKernel.StartDaemonAsync([]);
        FramedReply reply = await MarkAsync(daemon, expectMark: true);
        Assert.Equal(ReplyCode.Ok, reply.End.Code);
    }

    [Fact(Timeout = Bound.Test)]
    public async Task A_user_with_too_many_processes_can_run_functions_but_not_programs()
    {
        using Process sleeper = Process.Start("runuser", ["-u", TestUsers.Alice, "--", "sleep", "60"]);
        try
        {
            await using DaemonProcess daemon = await FaultyKernel.StartDaemonAsync([]);

            // A limit as from LimitNPROC in the daemon's unit; the job host and its workers inherit it. It does not apply to root.
            foreach (int process in new[] { daemon.Pid }.Concat(ProcFs.Descendants(daemon.Pid)))
                await Tool.MustAsync("prlimit", $"--pid={process}", "--nproc=1:1");
            Assert.Equal(ReplyCode.Ok, (await MarkAsync(daemon, expectMark: true)).End.Code);
            FramedReply reply = await RawClient.RunAsync(daemon, "process");
            Assert.Equal(ReplyCode.Error, reply.End.Code);
            Assert.Contains("Resource temporarily unavailable", reply.End.Message);
        }
        finally
        {
            sleeper.Kill(entireProcessTree: true);
        }
    }

    [Fact(Timeout = Bound.Test)]
    public async Task A_program_that_the_user_may_not_execute_is_reported_with_the_errno()
    {
        await using DaemonProcess daemon = await DaemonProcess.StartAsync(configuration =>
        {
            string program = Path.Combine(Path.GetDirectoryName(configuration["Socket"]!["Path"]!.GetValue<string>())!, "closed");
            File.WriteAllText(program, "#!/bin/sh\necho ran\n");
            Libc.chmod(program, 0x1C0); // 0700
            configuration["Commands"] = new JsonObject { ["closed"] = new JsonObject { ["Command"] = new JsonArray(program) } };
        });
        FramedReply reply = await RawClient.RunAsync(daemon, "closed");
        Assert.Equal(ReplyCode.Error, reply.End.Code);
        Assert.Contains("cannot be executed", reply.End.Message);
        Assert.Contains("EACCES", reply.End.Message);
        Assert.Equal(("execve", (int?)Errno.EACCES.Value), (reply.End.Error!.Type, reply.End.Error.Errno));
        Assert.Empty(reply.Stdout);
        Assert.Equal(0, await daemon.StopAsync());
        Assert.DoesNotContain("could not become", daemon.Log);
    }

    [Theory(Timeout = Bound.Test)]
    [InlineData(Vfork, EAGAIN, "", ReplyCode.Error, "the program \"/bin/echo\" cannot be executed: vfork() for the program")]
    [InlineData(Dup2, EMFILE, "1=0", ReplyCode.Internal, "step Pipes: dup2() for the program")]
    [InlineData(Dup2, EMFILE, "1=2", ReplyCode.Internal, "step Pipes: dup2() for the program")]
    public async Task A_program_whose_process_or_pipes_cannot_be_created_does_not_run(
        int call, int errno, string arguments, ReplyCode code, string message)
    {
        await using DaemonProcess daemon = await FaultyKernel.StartDaemonAsync([new Fault(call, errno, arguments)], AddEcho);
        FramedReply reply = await RawClient.RunAsync(daemon, "echo-program");
        Assert.Equal((code, ""), (reply.End.Code, reply.Text));
        Assert.Contains(message, reply.End.Message);
        Assert.EndsWith($"[errno {errno}]", reply.End.Message);
        Assert.Equal(0, await daemon.StopAsync());
    }

    [Fact(Timeout = Bound.Test)]
    public async Task A_program_whose_output_cannot_be_copied_does_not_end_with_success()
    {
        await using DaemonProcess daemon = await FaultyKernel.StartDaemonAsync([new Fault(Splice, EIO)], AddEcho);
        FramedReply reply = await RawClient.RunAsync(daemon, "echo-program");
        Assert.Equal((ReplyCode.Signaled, 9, ""), (reply.End.Code, reply.End.Signal, reply.Text));
        Assert.Equal(0, await daemon.StopAsync());
    }

    [Fact(Timeout = Bound.Test)]
    public async Task The_message_names_a_missing_interpreter()
    {
        string folder = "";
        await using DaemonProcess daemon = await DaemonProcess.StartAsync(configuration =>
        {
            folder = Path.GetDirectoryName(configuration["Socket"]!["Path"]!.GetValue<string>())!;
            var commands = new JsonObject();
            foreach ((string name, string text) in new[]
            {
                ("missing", "#! /no/such/python9 -u\necho ran\n"), ("returns", "#!/bin/sh\r\necho ran\r\n"),
                    ("twice", $"#!{folder}/missing\necho ran\n"),
            })
            {
                string program = Path.Combine(folder, name);
                File.WriteAllText(program, text);
                Libc.chmod(program, 0x1ED); // 0755
                commands[name] = new JsonObject { ["Command"] = new JsonArray(program) };
            }

            configuration["Commands"] = commands;
        });
        await NamesAsync("missing", $"the interpreter \"/no/such/python9\" of \"{folder}/missing\" is missing");
        await NamesAsync("returns", $"the interpreter \"/bin/sh\\r\" of \"{folder}/returns\" is missing");
        await NamesAsync("twice", $"the interpreter \"/no/such/python9\" of \"{folder}/missing\" is missing");

        async Task NamesAsync(string job, string problem)
        {
            FramedReply reply = await RawClient.RunAsync(daemon, job);
            Assert.Equal(ReplyCode.Error, reply.End.Code);
            Assert.StartsWith($"the program \"{folder}/{job}\" cannot be executed: {problem}: execve(", reply.End.Message);
            Assert.Equal((Errno.ENOENT.Value, ""), (reply.End.Error!.Errno, reply.Text));
        }
    }

    [Fact(Timeout = Bound.Test)]
    public async Task Workers_that_fail_to_prepare_do_not_cause_a_busy_loop()
    {
        await using DaemonProcess daemon = await FaultyKernel.StartDaemonAsync([new Fault(Setsid, EPERM)]);
        await Task.Delay(2000);
        Assert.InRange(daemon.Log.Split("the waiting worker").Length - 1, 1, 40);
    }

    private static void AddEcho(JsonObject configuration) =>
        configuration["Commands"] = JsonNode.Parse("""{"echo-program":{"Command":["/bin/echo","echo"]}}""");

    /// <summary>RLIMIT_CPU is set for a worker only if it is configured.</summary>
    private static void LimitMore(JsonObject configuration) =>
        configuration["Limits"]!["Worker"] = new JsonObject { ["CpuSeconds"] = 100, ["OomScoreAdj"] = 100 };

    /// <summary>Runs the job that leaves a file behind, and checks whether it did.</summary>
    private static async Task<FramedReply> MarkAsync(DaemonProcess daemon, bool expectMark = false)
    {
        string mark = Path.Combine(TestUsers.Entry(TestUsers.Alice).Home, "mark");
        File.Delete(mark);
        FramedReply reply = await RawClient.RunAsync(daemon, "mark", $$"""{"path":"{{mark}}"}""");
        Assert.Equal(expectMark, File.Exists(mark));
        return reply;
    }
}
