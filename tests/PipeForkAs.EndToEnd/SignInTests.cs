using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using PipeForkAs.Client;
using PipeForkAs.EndToEnd.Harness;
using PipeForkAs.LibC;
using PipeForkAs.Protocol.Client;

namespace PipeForkAs.EndToEnd;

/// <summary>
/// A daemon where two callers, Alice and root, may sign users in, by pam_unix, and may run jobs only as users who have signed in.
/// </summary>
public sealed class SignInDaemon : ConfiguredDaemon
{
    private readonly PamService service = new(_ => "auth required pam_unix.so\naccount required pam_unix.so\n");

    /// <summary>More than the tests of one user and caller have failures together: they can all fall in one window.</summary>
    internal const int MaxFailures = 6;

    internal string Audit => Path.Combine(Daemon.Folder, "audit.jsonl");

    internal static string AlicePassword { get; } = $"a-{Guid.NewGuid():N}";

    internal static string BobPassword { get; } = $"b-{Guid.NewGuid():N}";

    protected override void Configure(JsonObject configuration)
    {
        string folder = Path.GetDirectoryName((string)configuration["Socket"]!["Path"]!)!;
        configuration["Audit"] = new JsonObject { ["File"] = Path.Combine(folder, "audit.jsonl") };
        configuration["Policy"] = Policy(service, MaxFailures);
        SetPassword(TestUsers.Alice, AlicePassword);
        SetPassword(TestUsers.Bob, BobPassword);
    }

    internal static JsonObject Policy(PamService service, int maxFailures) => new()
    {
        ["SignIn"] = new JsonObject
        {
            ["PamService"] = service.Name,
            ["Callers"] = new JsonArray(TestUsers.Alice, "root"),
            ["MaxFailures"] = maxFailures,
            ["FailureWindow"] = "00:00:30",
        },
        ["Rules"] = new JsonArray(
            new JsonObject
            {
                ["Name"] = "signed in",
                ["Callers"] = new JsonArray(TestUsers.Alice, "root"),
                ["Jobs"] = new JsonArray("*"),
                ["As"] = new JsonArray("*"),
                ["RequireSignIn"] = true,
            }),
    };

    internal static void SetPassword(string user, string password)
    {
        Task<ToolResult> set = Tool.RunAsync(["chpasswd"], Encoding.UTF8.GetBytes($"{user}:{password}\n"));
        Assert.Equal(0, set.GetAwaiter().GetResult().ExitCode);
    }

    public override async ValueTask DisposeAsync()
    {
        await base.DisposeAsync();
        service.Dispose();
    }
}

/// <summary>Signing in with real accounts and real PAM, by callers that may act only for those who signed in.</summary>
[Trait("Takes", "long")]
public sealed class SignInTests(SignInDaemon signIn) : IClassFixture<SignInDaemon>
{
    private readonly DaemonProcess daemon = signIn.Daemon;

    [Fact(Timeout = Bound.Test)]
    public async Task A_front_that_is_taken_over_acts_for_the_user_who_signed_in_and_for_nobody_else()
    {
        Assert.Equal(126, (await RunAsync(TestUsers.Alice, null, TestUsers.Bob, "id")).ExitCode);
        string ticket = await TicketAsync(TestUsers.Alice, TestUsers.Bob, SignInDaemon.BobPassword);

        ToolResult ran = await RunAsync(TestUsers.Alice, ticket, TestUsers.Bob, "id");
        Assert.Equal((0, ""), (ran.ExitCode, ran.Error));
        Assert.StartsWith($"uid={TestUsers.Entry(TestUsers.Bob).Uid}({TestUsers.Bob})", ran.Text);

        // Every job for every other user, with the ticket of this one; and as the front itself.
        string[] jobs = [.. (await ListAsync()).Select(job => (string)job!["name"]!)];
        Assert.True(jobs.Length > 10);
        foreach (string user in (string[])[TestUsers.Alice, TestUsers.AliceUid, "root", "0", "daemon", "nobody", "no-such-user"])
        {
            foreach (string job in jobs)
            {
                string line = $$"""{"job":"{{job}}","user":"{{user}}","ticket":"{{ticket}}","reply":"frames"}""";
                FramedReply reply = await RawClient.FramesAsync(daemon, line);
                Assert.Equal((job, user, ReplyCode.Denied, null), (job, user, reply.End.Code, reply.End.Pid));
            }

            Assert.Equal(126, (await RunAsync(TestUsers.Alice, ticket, user, "id")).ExitCode);
        }

        // A ticket belongs to the caller that got it.
        Assert.Equal(126, (await RunAsync("root", ticket, TestUsers.Bob, "id")).ExitCode);
        Assert.Equal(126, (await RunAsync(TestUsers.Bob, ticket, TestUsers.Bob, "id")).ExitCode);

        Assert.Equal(0, (await CommandAsync("root", ticket, ["sign-out"])).ExitCode);
        Assert.Equal(0, (await RunAsync(TestUsers.Alice, ticket, TestUsers.Bob, "id")).ExitCode);
        Assert.Equal(0, (await CommandAsync(TestUsers.Alice, ticket, ["sign-out"])).ExitCode);
        Assert.Equal(126, (await RunAsync(TestUsers.Alice, ticket, TestUsers.Bob, "id")).ExitCode);
        Assert.Equal(0, (await CommandAsync(TestUsers.Alice, ticket, ["sign-out"])).ExitCode);
    }

    [Fact(Timeout = Bound.Test)]
    public async Task A_check_explains_the_missing_ticket_to_root_and_accepts_a_valid_one()
    {
        string[] check = ["check", "--user", TestUsers.Bob, "--explain", "id"];
        ToolResult without = await CommandAsync("root", null, check);
        Assert.Equal(126, without.ExitCode);
        Assert.Contains("the caller has no valid ticket of the user", without.Text);

        string ticket = await TicketAsync("root", TestUsers.Bob, SignInDaemon.BobPassword);
        ToolResult with = await CommandAsync("root", ticket, check);
        Assert.Equal(0, with.ExitCode);
        Assert.Contains("signed in", with.Text);
    }

    [Fact(Timeout = Bound.Test)]
    public async Task A_reply_in_frames_has_the_ticket_with_its_user_and_its_end_and_text_has_the_ticket_alone()
    {
        FramedReply reply = await SignInAsync(TestUsers.Bob, SignInDaemon.BobPassword);
        SignInTicket ticket = JsonSerializer.Deserialize(reply.Stdout, SignInTicketJson.Default.SignInTicket)!;
        uint uid = TestUsers.Entry(TestUsers.Bob).Uid.Value;
        Assert.Equal((TestUsers.Bob, uid, 43, 28800), (ticket.User, ticket.Uid, ticket.Ticket.Length, (int)ticket.Seconds));
        Assert.InRange(ticket.Expires, DateTimeOffset.UtcNow.AddHours(7), DateTimeOffset.UtcNow.AddHours(9));
        Assert.Equal((ReplyCode.Ok, TestUsers.Bob, uid), (reply.End.Code, reply.End.User, reply.End.Uid));

        // A newline at the end is not a part of the password.
        string text = await RawClient.TextAsync(
            daemon, $$"""{"op":"sign-in","user":"{{TestUsers.Bob}}"}""", $"{SignInDaemon.BobPassword}\n");
        Assert.Matches("^[A-Za-z0-9_-]{43}\n$", text);
    }

    [Theory(Timeout = Bound.Test)]
    [InlineData("no-such-user", "x")]
    [InlineData("BOB", "wrong")]
    [InlineData("BOB", "PASSWORD\0")]
    [InlineData("BOB", "PASSWORD\n\n")]
    [InlineData("root", "")]
    public async Task A_wrong_name_or_password_is_denied_without_saying_which(string user, string password)
    {
        user = user.Replace("BOB", TestUsers.Bob, StringComparison.Ordinal);
        password = password.Length == 0
            ? "\n" : password.Replace("PASSWORD", SignInDaemon.BobPassword, StringComparison.Ordinal);
        FramedReply reply = await SignInAsync(user, password);
        Assert.Equal((ReplyCode.Denied, ""), (reply.End.Code, reply.Text));
        Assert.Equal($"the user name \"{user}\" or the password is wrong", reply.End.Message);
    }

    [Fact(Timeout = Bound.Test)]
    public async Task Only_named_callers_sign_users_in()
    {
        ToolResult refused = await CommandAsync(
            TestUsers.Bob, null, ["sign-in", TestUsers.Bob], Encoding.UTF8.GetBytes(SignInDaemon.BobPassword));
        Assert.Equal((126, ""), (refused.ExitCode, refused.Text));
        Assert.Contains($"the policy does not allow uid {TestUsers.Entry(TestUsers.Bob).Uid} to sign users in", refused.Error);
    }

    [Theory(Timeout = Bound.Test)]
    [InlineData("""{"op":"sign-in"}""", "\"user\" must be a user name for \"sign-in\"")]
    [InlineData("""{"op":"sign-in","user":1000}""", "\"user\" must be a user name for \"sign-in\"")]
    [InlineData("""{"op":"sign-in","user":"bob","ticket":"x"}""", "\"ticket\" is valid only for")]
    [InlineData("""{"op":"sign-out"}""", "\"ticket\" is missing")]
    [InlineData("""{"op":"sign-out","ticket":"short"}""", "\"ticket\" must be the 43 characters")]
    [InlineData("""{"job":"id","ticket":7}""", "\"ticket\" must be a string")]
    public async Task A_request_that_is_not_well_formed_says_what_is_wrong(string line, string problem)
    {
        string reply = await RawClient.TextAsync(daemon, line, "secret");
        Assert.Contains("bad-request", reply);
        Assert.Contains(problem, reply);
    }

    [Fact(Timeout = Bound.Test)]
    public async Task A_missing_password_or_one_that_is_too_long_is_refused()
    {
        Assert.Equal(ReplyCode.BadRequest, (await SignInAsync(TestUsers.Bob, "")).End.Code);
        Assert.Equal(ReplyCode.TooLarge, (await SignInAsync(TestUsers.Bob, new string('x', 1025))).End.Code);
        Assert.Equal(ReplyCode.TooLarge, (await SignInAsync(TestUsers.Bob, new string('x', 300_000))).End.Code);
    }

    /// <summary>Neither after a sign-in, nor after a wrong password, nor after requests that are refused before PAM is asked.</summary>
    [Fact(Timeout = Bound.Test)]
    public async Task A_password_is_in_no_log_no_record_and_not_in_the_memory_of_the_daemon()
    {
        string wrong = $"wrong-{Guid.NewGuid():N}", early = $"early-{Guid.NewGuid():N}", late = $"late-{Guid.NewGuid():N}";
        string ticket = await TicketAsync("root", TestUsers.Bob, SignInDaemon.BobPassword);
        Assert.Equal(ReplyCode.Denied, (await SignInAsync(TestUsers.Bob, wrong)).End.Code);
        Assert.Contains("bad-request", await RawClient.TextAsync(daemon, """{"op":"sign-in","user":"x/y"}""", early));
        ToolResult refused = await CommandAsync(TestUsers.Bob, null, ["sign-in", TestUsers.Bob], Encoding.UTF8.GetBytes(late));
        Assert.Equal(126, refused.ExitCode);

        // Text that is known to be there shows that the search finds what is there.
        Assert.Contains(daemon.Socket, ProcessMemory.Find(daemon.Pid, daemon.Socket));
        Assert.Empty(ProcessMemory.Find(daemon.Pid, SignInDaemon.BobPassword, wrong, early, late));
        string records = await File.ReadAllTextAsync(signIn.Audit);
        foreach (string secret in (string[])[SignInDaemon.BobPassword, wrong, early, late, ticket])
        {
            Assert.DoesNotContain(secret, daemon.Log);
            Assert.DoesNotContain(secret, records);
        }

        Assert.Contains("\"operation\":\"sign-in\",\"code\":\"ok\"", records);
        Assert.Contains("\"operation\":\"sign-in\",\"code\":\"denied\"", records);
    }

    [Fact(Timeout = Bound.Test)]
    public async Task Brute_force_meets_the_cap_while_others_sign_in_and_other_callers_can_sign_the_user_in()
    {
        // From Alice's side, side by side: only so many reach PAM. No other test signs Alice in there.
        int[] ends = [.. (await Task.WhenAll(Enumerable.Range(0, 40).Select(async i =>
            await CommandAsync(TestUsers.Alice, null, ["sign-in", TestUsers.Alice], Encoding.UTF8.GetBytes($"guess {i}")))))
            .Select(tried => tried.ExitCode)];
        Assert.Equal(SignInDaemon.MaxFailures, ends.Count(code => code == 126));
        Assert.Equal(40 - SignInDaemon.MaxFailures, ends.Count(code => code != 126 && code != 0));

        ToolResult capped = await CommandAsync(
            TestUsers.Alice, null, ["sign-in", TestUsers.Alice], Encoding.UTF8.GetBytes(SignInDaemon.AlicePassword));
        Assert.NotEqual(0, capped.ExitCode);
        Assert.Matches("the maximum \\(Policy:SignIn:MaxFailures\\); try again in [0-9]+ s", capped.Error);

        _ = await TicketAsync(TestUsers.Alice, TestUsers.Bob, SignInDaemon.BobPassword);
        _ = await TicketAsync("root", TestUsers.Alice, SignInDaemon.AlicePassword);
    }

    [Fact(Timeout = Bound.Test)]
    public async Task A_ticket_ends_with_a_new_password_an_expired_account_and_a_new_account_of_the_same_name_and_uid()
    {
        const string User = "pfa-t", Password = "first-password";
        string name = $"{User}-{Environment.ProcessId}";
        await using DaemonProcess own = await OwnAsync(out PamService service);
        using (service)
        {
            string[] add = ["useradd", "--no-create-home", "--no-log-init", "--shell", "/bin/bash", "-K", "SUB_UID_COUNT=0", "-K",
                "SUB_GID_COUNT=0", name];
            await Tool.MustAsync(add);
            try
            {
                string uid = TestUsers.Entry(name).Uid.ToString();
                SignInDaemon.SetPassword(name, Password);
                string ticket = await TicketAsync(own, name, Password);
                Assert.Equal(ReplyCode.Ok, await CodeAsync(own, name, ticket));

                await Tool.MustAsync("usermod", "--expiredate", "1", name);
                Assert.Equal(ReplyCode.Denied, await CodeAsync(own, name, ticket));
                await Tool.MustAsync("usermod", "--expiredate", "", name);
                Assert.Equal(ReplyCode.Ok, await CodeAsync(own, name, ticket));

                SignInDaemon.SetPassword(name, "second-password");
                Assert.Equal(ReplyCode.Denied, await CodeAsync(own, name, ticket));

                ticket = await TicketAsync(own, name, "second-password");
                Assert.Equal(ReplyCode.Ok, await CodeAsync(own, name, ticket));
                await Tool.MustAsync("userdel", name);
                await Tool.MustAsync([.. add[..^1], "--uid", uid, name]);
                SignInDaemon.SetPassword(name, "second-password");
                Assert.Equal(ReplyCode.Denied, await CodeAsync(own, name, ticket));
            }
            finally
            {
                await Tool.RunAsync(["userdel", name]);
            }
        }
    }

    [Fact(Timeout = Bound.Test)]
    public async Task A_restart_ends_all_tickets()
    {
        await using DaemonProcess first = await OwnAsync(out PamService service);
        using (service)
        {
            string ticket = await TicketAsync(first, TestUsers.Bob, SignInDaemon.BobPassword);
            Assert.Equal(ReplyCode.Ok, await CodeAsync(first, TestUsers.Bob, ticket));
            Assert.Equal(0, await first.StopAsync());

            await using DaemonProcess second = await DaemonProcess.StartAsync(c => c["Policy"] = SignInDaemon.Policy(service, 10));
            Assert.Equal(ReplyCode.Denied, await CodeAsync(second, TestUsers.Bob, ticket));
        }
    }

    [Fact(Timeout = Bound.Test)]
    public async Task A_module_that_hangs_delays_only_its_sign_in_and_leaves_nothing()
    {
        using var service = new PamService(own =>
        {
            File.WriteAllText(own.Program, "#!/bin/sh\nsleep 1000\nexit 1\n");
            File.SetUnixFileMode(own.Program, (UnixFileMode)0x1ED); // 0755
            return $"auth required pam_exec.so quiet {own.Program}\naccount required pam_permit.so\n";
        });
        await using DaemonProcess own = await DaemonProcess.StartAsync(c =>
        {
            JsonObject policy = SignInDaemon.Policy(service, 10);
            policy["SignIn"]!["Timeout"] = "00:00:02";
            policy["Rules"]![0]!["RequireSignIn"] = false;
            c["Policy"] = policy;
        });

        Task<FramedReply> hangs = SignInAsync(TestUsers.Bob, "x", own);
        await Crowd.UntilAsync(() => ProcFs.Mentioning(service.Program).Count, count => count > 0, TimeSpan.FromSeconds(30), "PAM");
        Assert.Equal(ReplyCode.Ok, (await RawClient.RunAsync(own, "id", user: TestUsers.Bob)).End.Code);
        Assert.Equal(ReplyCode.Internal, (await hangs).End.Code);
        Assert.Contains("PAM did not answer within 2 s", (await hangs).End.Message);
        await Crowd.UntilAsync(
            () => ProcFs.Descendants(own.Pid).Count(pid => ProcFs.CommandLine(pid).Contains("sleep", StringComparison.Ordinal)),
            count => count == 0, TimeSpan.FromSeconds(30), "processes of PAM");
        Assert.Equal(0, await own.StopAsync());
    }

    [Fact(Timeout = Bound.Test)]
    public async Task Without_a_service_nobody_signs_in()
    {
        await using DaemonProcess own = await DaemonProcess.StartAsync();
        FramedReply reply = await SignInAsync(TestUsers.Bob, SignInDaemon.BobPassword, own);
        Assert.Equal(
            (ReplyCode.Denied, "users cannot sign in here (Policy:SignIn:PamService is not set)"), (reply.End.Code, reply.End.Message));
    }

    private static Task<DaemonProcess> OwnAsync(out PamService service)
    {
        PamService made = service = new PamService(_ => "auth required pam_unix.so\naccount required pam_permit.so\n");
        return DaemonProcess.StartAsync(c => c["Policy"] = SignInDaemon.Policy(made, 10));
    }

    private Task<FramedReply> SignInAsync(string user, string password, DaemonProcess? at = null) => RawClient.FramesAsync(
        at ?? daemon, $$"""{"op":"sign-in","user":"{{user}}","reply":"frames"}""", Encoding.UTF8.GetBytes(password));

    private async Task<string> TicketAsync(DaemonProcess at, string user, string password)
    {
        FramedReply reply = await SignInAsync(user, password, at);
        Assert.True(reply.End.Code == ReplyCode.Ok, reply.End.Message);
        return (string)JsonNode.Parse(reply.Stdout)!["ticket"]!;
    }

    private async Task<string> TicketAsync(string front, string user, string password)
    {
        ToolResult told = await CommandAsync(front, null, ["sign-in", user], Encoding.UTF8.GetBytes(password));
        Assert.Equal((0, ""), (told.ExitCode, told.Error));
        return told.Text.TrimEnd('\n');
    }

    private static async Task<ReplyCode> CodeAsync(DaemonProcess at, string user, string ticket) =>
        (await RawClient.FramesAsync(at, $$"""{"job":"id","user":"{{user}}","ticket":"{{ticket}}","reply":"frames"}""")).End.Code;

    private async Task<JsonArray> ListAsync() =>
        (JsonArray)JsonNode.Parse((await CommandAsync("root", null, ["list", "--json"])).Output)!;

    private Task<ToolResult> RunAsync(string front, string? ticket, string user, string job) =>
        CommandAsync(front, ticket, ["run", "--user", user, job]);

    private Task<ToolResult> CommandAsync(string front, string? ticket, string[] words, byte[]? input = null)
    {
        string[] command = ["env", .. ticket is null ? Array.Empty<string>() : [$"PIPEFORKAS_TICKET={ticket}"], NativeBuild.Command,
            "--socket", daemon.Socket, .. words];
        return front == "root" ? Tool.RunAsync(command, input) : Tool.RunAsAsync(front, command, input);
    }
}
