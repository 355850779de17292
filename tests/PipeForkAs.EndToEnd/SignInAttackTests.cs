using System.Net.Sockets;
using System.Text;
using System.Text.Json.Nodes;
using PipeForkAs.EndToEnd.Harness;
using PipeForkAs.LibC;
using PipeForkAs.Protocol.Client;
using SocketShutdown = System.Net.Sockets.SocketShutdown;

namespace PipeForkAs.EndToEnd;

/// <summary>Attacks on signing in, each on a daemon with a PAM service for it.</summary>
[Trait("Takes", "long")]
public sealed class SignInAttackTests
{
    private const string AnyPassword = "auth required pam_permit.so\naccount required pam_permit.so\n";
    private const string UnixPassword = "auth required pam_unix.so nodelay\naccount required pam_unix.so\n";

    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);

    [Fact(Timeout = Bound.Test)]
    public async Task A_password_may_arrive_in_any_number_of_pieces()
    {
        const string Password = "a password of more pieces than a pipe has room for";
        SignInDaemon.SetPassword(TestUsers.Bob, Password);
        using var service = new PamService(_ => UnixPassword);
        await using DaemonProcess daemon = await StartAsync(service);
        using Socket socket = await RawClient.ConnectAsync(daemon);
        await socket.SendAsync(Encoding.UTF8.GetBytes($$"""{"op":"sign-in","user":"{{TestUsers.Bob}}"}""" + "\n"));
        foreach (byte piece in Encoding.UTF8.GetBytes(Password))
        {
            await socket.SendAsync(new[] { piece });
            await Task.Delay(5);
        }

        socket.Shutdown(SocketShutdown.Send);
        Assert.Matches("^[A-Za-z0-9_-]{43}\n$", Encoding.UTF8.GetString(await RawClient.ReadToEndAsync(socket)));
    }

    /// <summary>Also where the daemon looks at the bytes itself because the kernel cannot refuse descriptors.</summary>
    [Theory(Timeout = Bound.Test)]
    [InlineData("auto")]
    [InlineData("daemon")]
    public async Task No_password_stays_in_the_memory_of_the_daemon_however_it_arrives_and_is_refused(string descriptorCheck)
    {
        const int Most = 2;
        var passwords = new List<string>();
        using var service = new PamService(_ => UnixPassword);
        await using DaemonProcess daemon = await StartAsync(service, c =>
        {
            c["Socket"]!["DescriptorCheck"] = descriptorCheck;
            c["Limits"]!["MaxConnectionsPerUid"] = Most;
            c["Policy"]!["SignIn"]!["MaxFailures"] = 100;
        });

        await SendAsync("together", 0, close: false);
        await SendAsync("alone", 100, close: false);
        await SendAsync("too-long", 0, close: false, more: new string('x', 3000));
        await SendAsync("gone", 0, close: true);
        await SendAsync("gone-late", 100, close: true);

        // A few connections too many are refused in the form of their request, and more of them at once.
        var held = new List<Socket>();
        foreach (int count in (int[])[Most, 100])
        {
            while (held.Count < count)
                held.Add(await RawClient.ConnectAsync(daemon));
            for (int i = 0; i < 3; i++)
                await SendAsync($"busy-{count}-{i}", 0, close: false);
        }

        held.ForEach(socket => socket.Dispose());
        Assert.Empty(await Crowd.UntilAsync(
            () => ProcessMemory.Find(daemon.Pid, [.. passwords]), found => found.Count == 0, TimeSpan.FromSeconds(10), "passwords"));

        async Task SendAsync(string name, int pause, bool close, string more = "")
        {
            string password = $"{name}-{Guid.NewGuid():N}";
            passwords.Add(password);
            using Socket socket = await RawClient.ConnectAsync(daemon);
            try
            {
                byte[] line = Encoding.UTF8.GetBytes($$"""{"op":"sign-in","user":"{{TestUsers.Bob}}"}""" + "\n");
                byte[] rest = Encoding.UTF8.GetBytes(password + more);
                await socket.SendAsync(pause == 0 ? [.. line, .. rest] : line);
                if (pause > 0)
                {
                    await Task.Delay(pause);
                    await socket.SendAsync(rest);
                }

                if (close)
                    return;
                socket.Shutdown(SocketShutdown.Send);
                _ = await RawClient.ReadToEndAsync(socket);
            }
            catch (SocketException)
            {
                // The daemon refused the connection before it read everything.
            }
        }
    }

    [Fact(Timeout = Bound.Test)]
    public async Task No_other_user_sees_the_typed_name_in_the_list_of_processes()
    {
        const string Typed = "a-password-in-the-wrong-field";
        using PamService service = Waiting(out Action release);
        await using DaemonProcess daemon = await StartAsync(service);
        Task<FramedReply> reply = SignInAsync(daemon, Typed, "x");
        await Crowd.UntilAsync(() => ProcFs.Mentioning(service.Program).Count, count => count > 0, Patience, "PAM");
        string lines = string.Join('\n', ProcFs.Descendants(daemon.Pid).Select(ProcFs.CommandLine));
        Assert.Contains("--check-password-by-pam", lines);
        Assert.DoesNotContain(Typed, lines);
        release();
        Assert.Equal(ReplyCode.Denied, (await reply).End.Code);
    }

    /// <summary>pam_exec reports a wrong password as an error of the system, and a delay can be longer than the timeout.</summary>
    [Theory(Timeout = Bound.Test)]
    [InlineData("exit 1", "cannot check the password: System error (4)")]
    [InlineData("sleep 100", "PAM did not answer within 1 s")]
    public async Task An_attempt_counts_as_a_failure_unless_PAM_accepts_it(string program, string message)
    {
        using var service = new PamService(own => Running(own, program));
        await using DaemonProcess daemon = await StartAsync(service, c =>
        {
            c["Policy"]!["SignIn"]!["MaxFailures"] = 2;
            c["Policy"]!["SignIn"]!["Timeout"] = "00:00:01";
        });
        for (int i = 0; i < 2; i++)
        {
            FramedReply failed = await SignInAsync(daemon, TestUsers.Bob, $"guess {i}");
            Assert.Equal(ReplyCode.Internal, failed.End.Code);
            Assert.Contains(message, failed.End.Message);
        }

        Assert.Equal(ReplyCode.Busy, (await SignInAsync(daemon, TestUsers.Bob, "guess")).End.Code);
    }

    /// <summary>The account "daemon" has a shell that allows no login.</summary>
    [Fact(Timeout = Bound.Test)]
    public async Task The_reply_for_a_name_that_never_gets_a_ticket_does_not_tell_that_the_password_is_right()
    {
        const string Password = "right-password";
        using var service = new PamService(own =>
        {
            _ = Running(own, $"cat >>'{own.Hang}'");
            return $"auth required pam_exec.so quiet expose_authtok {own.Program}\naccount required pam_permit.so\n";
        });
        await using DaemonProcess daemon = await StartAsync(service);
        foreach (string name in (string[])["root", "daemon", "no-such-user", TestUsers.Bob.ToUpperInvariant()])
        {
            FramedReply reply = await SignInAsync(daemon, name, Password);
            Assert.Equal(
                (ReplyCode.Denied, $"the user name \"{name}\" or the password is wrong"), (reply.End.Code, reply.End.Message));
        }

        // No module got it, so none can take another time for it.
        Assert.DoesNotContain(Password, await File.ReadAllTextAsync(service.Hang));
        Assert.Equal(ReplyCode.Ok, (await SignInAsync(daemon, TestUsers.Bob, Password)).End.Code);
        Assert.Contains(Password, await File.ReadAllTextAsync(service.Hang));
    }

    /// <summary>The daemon's answer to a module that does what none should.</summary>
    [Theory(Timeout = Bound.Test)]
    [InlineData("user", ReplyCode.Denied, "the modules changed the name of the user")]
    [InlineData("expired", ReplyCode.Denied, "(12)")]
    [InlineData("echo", ReplyCode.Internal, "cannot check the password: Conversation error (19)")]
    [InlineData("again", ReplyCode.Internal, "cannot check the password: Conversation error (19)")]
    [InlineData("together", ReplyCode.Internal, "cannot check the password: Conversation error (19)")]
    [InlineData("process", ReplyCode.Ok, null)]
    public async Task A_module_gets_one_password_in_a_bare_process_and_cannot_name_another_user(
        string does, ReplyCode code, string? message)
    {
        using var service = new PamService(own => $"auth required {own.Program} {does}\naccount required {own.Program} {does}\n");
        await CProgram.BuildAsync(
            Path.Combine(AppContext.BaseDirectory, "Hostile", "pam_hostile.c"), service.Program, "-shared", "-fPIC",
            "-Wl,--no-as-needed", "-l:libpam.so.0");
        await using DaemonProcess daemon = await StartAsync(service);
        FramedReply reply = await SignInAsync(daemon, TestUsers.Bob, "x");
        Assert.Equal((code, message is null), (reply.End.Code, reply.End.Message is null));
        Assert.Contains(message ?? "", reply.End.Message ?? "");
    }

    /// <summary>Also for a caller that may sign users in, but has no rule that needs their tickets.</summary>
    [Theory(Timeout = Bound.Test)]
    [InlineData("BOB", "root", "no rule for the caller")]
    [InlineData("ALICE", "*", "no rule for the user")]
    [InlineData("*", "*", "a rule that denies all jobs")]
    public async Task A_right_password_looks_wrong_if_no_rule_can_require_the_ticket(string users, string callers, string why)
    {
        using var service = new PamService(_ => AnyPassword);
        await using DaemonProcess daemon = await StartAsync(service, c =>
        {
            JsonArray rules = c["Policy"]!["Rules"]!.AsArray();
            rules[0]!["As"] = new JsonArray(Name(users));
            rules[0]!["Callers"] = new JsonArray(callers == "root" ? TestUsers.Alice : callers);
            if (why.Contains("denies", StringComparison.Ordinal))
            {
                rules.Insert(0, new JsonObject
                {
                    ["Name"] = "never",
                    ["Callers"] = new JsonArray("*"),
                    ["Jobs"] = new JsonArray("*"),
                    ["As"] = new JsonArray(TestUsers.Bob),
                    ["Deny"] = true,
                });
            }
        });
        FramedReply reply = await SignInAsync(daemon, TestUsers.Bob, "x");
        Assert.Equal(
            (ReplyCode.Denied, $"the user name \"{TestUsers.Bob}\" or the password is wrong"), (reply.End.Code, reply.End.Message));

        static string Name(string text) => text switch { "BOB" => TestUsers.Bob, "ALICE" => TestUsers.Alice, _ => text };
    }

    /// <summary>Exit code 0 of PAM's process would otherwise be the answer that the password is right.</summary>
    [Fact(Timeout = Bound.Test)]
    public async Task A_module_that_exits_signs_nobody_in()
    {
        using var service = new PamService(own => $"auth required {own.Program}.so\naccount required pam_permit.so\n");
        string source = $"{service.Program}.c", module = $"{service.Program}.so";
        await File.WriteAllTextAsync(
            source,
            "#include <stdlib.h>\n"
            + "int pam_sm_authenticate(void *h, int f, int c, const char **v) { exit(0); }\n"
            + "int pam_sm_setcred(void *h, int f, int c, const char **v) { return 0; }\n");
        try
        {
            await Tool.MustAsync("cc", "-shared", "-fPIC", "-o", module, source);
            await using DaemonProcess daemon = await StartAsync(service);
            FramedReply reply = await SignInAsync(daemon, TestUsers.Bob, "x");
            Assert.Equal((ReplyCode.Internal, ""), (reply.End.Code, reply.Text));
            Assert.Contains("exit code 0", reply.End.Message);
        }
        finally
        {
            File.Delete(source);
            File.Delete(module);
        }
    }

    [Fact(Timeout = Bound.Test)]
    public async Task A_password_that_changes_while_PAM_checks_the_former_one_ends_the_ticket()
    {
        const string Former = "former-password";
        SignInDaemon.SetPassword(TestUsers.Bob, Former);
        using var service = new PamService(own =>
        {
            _ = Running(own, $"echo '{TestUsers.Bob}:next-password' | chpasswd");
            return $"auth required pam_unix.so\naccount required pam_exec.so quiet {own.Program}\n";
        });
        await using DaemonProcess daemon = await StartAsync(service);
        FramedReply reply = await SignInAsync(daemon, TestUsers.Bob, Former);
        Assert.Equal((ReplyCode.Ok, null), (reply.End.Code, reply.End.Message));
        Assert.Equal(ReplyCode.Denied, await UseAsync(daemon, TicketIn(reply)));
    }

    [Fact(Timeout = Bound.Test)]
    public async Task A_reload_that_switches_signing_in_off_or_changes_the_service_ends_all_tickets()
    {
        using var service = new PamService(_ => AnyPassword);
        using var other = new PamService(_ => AnyPassword);
        JsonObject? configuration = null;
        await using DaemonProcess daemon = await StartAsync(service, c => configuration = (JsonObject)c.DeepClone());
        foreach (PamService? next in (PamService?[])[null, other])
        {
            string ticket = TicketIn(await SignInAsync(daemon, TestUsers.Bob, "x"));
            Assert.Equal(ReplyCode.Ok, await UseAsync(daemon, ticket));
            await ReloadAsync(daemon, configuration!, _ => { });
            Assert.Equal(ReplyCode.Ok, await UseAsync(daemon, ticket));
            await ReloadAsync(daemon, configuration!, c =>
            {
                if (next is null)
                    c["Policy"] = new JsonObject();
                else
                    c["Policy"]!["SignIn"]!["PamService"] = next.Name;
            });
            await ReloadAsync(daemon, configuration!, _ => { });
            Assert.Equal(ReplyCode.Denied, await UseAsync(daemon, ticket));
        }
    }

    [Fact(Timeout = Bound.Test)]
    public async Task A_ticket_ends_when_a_reload_removes_its_caller_from_those_that_sign_in()
    {
        using var service = new PamService(_ => AnyPassword);
        JsonObject? configuration = null;
        await using DaemonProcess daemon = await StartAsync(service, c => configuration = (JsonObject)c.DeepClone());
        string used = TicketIn(await SignInAsync(daemon, TestUsers.Bob, "x"));
        string kept = TicketIn(await SignInAsync(daemon, TestUsers.Bob, "x"));
        await ReloadAsync(daemon, configuration!, c => c["Policy"]!["SignIn"]!["Callers"] = new JsonArray(TestUsers.Alice));
        Assert.Equal(ReplyCode.Denied, await UseAsync(daemon, used));
        await ReloadAsync(daemon, configuration!, _ => { });
        Assert.Equal(ReplyCode.Denied, await UseAsync(daemon, kept));
    }

    [Fact(Timeout = Bound.Test)]
    public async Task A_reload_that_removes_the_caller_while_PAM_checks_the_password_refuses_the_sign_in()
    {
        using PamService service = Waiting(out Action release);
        JsonObject? configuration = null;
        await using DaemonProcess daemon = await StartAsync(service, c => configuration = (JsonObject)c.DeepClone());
        Task<FramedReply> reply = SignInAsync(daemon, TestUsers.Bob, "x");
        await Crowd.UntilAsync(() => ProcFs.Mentioning(service.Program).Count, count => count > 0, Patience, "PAM");
        await ReloadAsync(daemon, configuration!, c => c["Policy"]!["SignIn"]!["Callers"] = new JsonArray(TestUsers.Alice));
        release();
        EndRecord end = (await reply).End;
        Assert.Equal((ReplyCode.Denied, "the policy does not allow uid 0 to sign users in"), (end.Code, end.Message));
    }

    /// <summary>The ticket would end with the daemon.</summary>
    [Fact(Timeout = Bound.Test)]
    public async Task A_sign_in_during_a_stop_is_refused_with_the_reason()
    {
        using PamService service = Waiting(out Action release);
        await using DaemonProcess daemon = await StartAsync(service);
        Task<FramedReply> reply = SignInAsync(daemon, TestUsers.Bob, "x");
        await Crowd.UntilAsync(() => ProcFs.Mentioning(service.Program).Count, count => count > 0, Patience, "PAM");
        Libc.kill(new ProcessId(daemon.Pid), Signal.SIGTERM);
        await Crowd.UntilAsync(
            () => daemon.Log, log => log.Contains("stopping: waiting", StringComparison.Ordinal), Patience, "the daemon does not stop");
        release();
        Assert.Equal(ReplyCode.ShuttingDown, (await reply).End.Code);
        Assert.Equal(0, await daemon.EndedAsync());
    }

    [Fact(Timeout = Bound.Test)]
    public async Task A_module_that_hangs_does_not_outlive_the_daemon()
    {
        using PamService service = Waiting(out _);
        await using DaemonProcess daemon = await StartAsync(service, c => c["Limits"]!["DrainTimeout"] = "00:00:01");
        Task<FramedReply> reply = SignInAsync(daemon, TestUsers.Bob, "x");
        await Crowd.UntilAsync(() => ProcFs.Mentioning(service.Program).Count, count => count > 0, Patience, "PAM");
        Assert.Equal(0, await daemon.StopAsync());
        Assert.Equal(ReplyCode.ShuttingDown, (await reply).End.Code);
    }

    /// <summary>Nothing else ends them where no systemd ends what is left of a service.</summary>
    [Fact(Timeout = Bound.Test)]
    public async Task PAM_and_the_programs_of_its_modules_end_with_a_daemon_that_is_killed()
    {
        using PamService service = Waiting(out _);
        await using DaemonProcess daemon = await StartAsync(service);
        using Socket socket = await RawClient.ConnectAsync(daemon);
        await socket.SendAsync(Encoding.UTF8.GetBytes($$"""{"op":"sign-in","user":"{{TestUsers.Bob}}"}""" + "\nx"));
        socket.Shutdown(SocketShutdown.Send);
        IReadOnlyList<int> programs = await Crowd.UntilAsync(
            () => ProcFs.Mentioning(service.Program), found => found.Count > 0, Patience, "PAM");
        int[] all = [
            .. programs, .. ProcFs.Descendants(daemon.Pid).Where(
                pid => ProcFs.CommandLine(pid).Contains("--check-password-by-pam", StringComparison.Ordinal))];
        Assert.True(all.Length > programs.Count);
        Libc.kill(new ProcessId(daemon.Pid), Signal.SIGKILL);
        await Crowd.UntilAsync(() => all.Count(ProcFs.IsAlive), count => count == 0, Patience, "PAM outlives the daemon");
    }

    [Fact(Timeout = Bound.Test)]
    public async Task A_sign_in_that_takes_longer_than_a_job_may_has_a_reply()
    {
        using var service = new PamService(own => Running(own, "sleep 3"));
        await using DaemonProcess daemon = await StartAsync(service, c => c["Limits"]!["JobTimeout"] = "00:00:01");
        Assert.Equal(ReplyCode.Ok, (await SignInAsync(daemon, TestUsers.Bob, "x")).End.Code);
    }

    private static Task<DaemonProcess> StartAsync(PamService service, Action<JsonObject>? configure = null) =>
        DaemonProcess.StartAsync(c =>
        {
            c["Policy"] = SignInDaemon.Policy(service, 10);
            configure?.Invoke(c);
        });

    /// <summary>Rules for the program of a service, which decides about every password.</summary>
    private static string Running(PamService service, string program)
    {
        File.WriteAllText(service.Program, $"#!/bin/sh\n{program}\n");
        File.SetUnixFileMode(service.Program, (UnixFileMode)0x1ED); // 0755
        return $"auth required pam_exec.so quiet {service.Program}\naccount required pam_permit.so\n";
    }

    /// <summary>A service that accepts every password, but not before it is released.</summary>
    private static PamService Waiting(out Action release)
    {
        var service = new PamService(own =>
        {
            File.WriteAllText(own.Hang, "");
            return Running(own, $"while [ -e '{own.Hang}' ]; do sleep 0.1; done");
        });
        release = () => File.Delete(service.Hang);
        return service;
    }

    private static async Task ReloadAsync(DaemonProcess daemon, JsonObject configuration, Action<JsonObject> change)
    {
        var changed = (JsonObject)configuration.DeepClone();
        change(changed);
        await File.WriteAllTextAsync(Path.Combine(daemon.Folder, "pipeforkas.json"), changed.ToJsonString());
        FramedReply reply = await RawClient.FramesAsync(daemon, """{"op":"reload","reply":"frames"}""");
        Assert.Equal((ReplyCode.Ok, null), (reply.End.Code, reply.End.Message));
    }

    private static Task<FramedReply> SignInAsync(DaemonProcess daemon, string user, string password) => RawClient.FramesAsync(
        daemon, $$"""{"op":"sign-in","user":"{{user}}","reply":"frames"}""", Encoding.UTF8.GetBytes(password));

    private static string TicketIn(FramedReply reply)
    {
        Assert.Equal((ReplyCode.Ok, null), (reply.End.Code, reply.End.Message));
        return (string)JsonNode.Parse(reply.Stdout)!["ticket"]!;
    }

    private static async Task<ReplyCode> UseAsync(DaemonProcess daemon, string ticket) => (await RawClient.FramesAsync(
        daemon, $$"""{"job":"id","user":"{{TestUsers.Bob}}","ticket":"{{ticket}}","reply":"frames"}""")).End.Code;
}
