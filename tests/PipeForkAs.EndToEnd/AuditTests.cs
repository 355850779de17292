using System.Net.Sockets;
using System.Text;
using System.Text.Json.Nodes;
using PipeForkAs.EndToEnd.Harness;
using PipeForkAs.LibC;
using PipeForkAs.Protocol.Client;

namespace PipeForkAs.EndToEnd;

/// <summary>A daemon that keeps a file of records, which it must not complain about.</summary>
public sealed class AuditingDaemon : ConfiguredDaemon
{
    internal string File => Path.Combine(Daemon.Folder, "audit.jsonl");

    protected override void Configure(JsonObject configuration)
    {
        string folder = Path.GetDirectoryName((string)configuration["Socket"]!["Path"]!)!;
        configuration["Audit"] = new JsonObject { ["File"] = Path.Combine(folder, "audit.jsonl") };
        configuration["Commands"]!["say"] = Command(["/bin/echo", "--", "{told}", "{secret}"], "told:string", "secret:string");
        configuration["Commands"]!["say"]!["AuditedArguments"] = Words("told");
        configuration["Commands"]!["show-environment"] = Command(["/usr/bin/env"]);
        configuration["Limits"]!["MaxConnectionsPerUid"] = 20;
        configuration["Limits"]!["MaxConnections"] = 100;
    }
}

/// <summary>One record of each request, whatever came of it.</summary>
public sealed class AuditTests(AuditingDaemon auditing) : IClassFixture<AuditingDaemon>
{
    private readonly DaemonProcess daemon = auditing.Daemon;
    private int seen = Lines(auditing.File).Length;

    [Fact(Timeout = Bound.Test)]
    public async Task A_job_that_ran_is_told_of_with_caller_user_rule_result_and_figures()
    {
        PasswordEntry bob = TestUsers.Entry(TestUsers.Bob);
        using StayingCaller caller = await StayingCaller.AskAsync(daemon, TestUsers.Bob, """{"job":"cat"}""" + "\n12345");
        Assert.Equal("12345", await caller.ReadAsync(5));

        JsonObject record = await NextAsync();
        Assert.Equal(
            ("Ran", "run", "ok", "cat"), (Text(record, "event"), Text(record, "operation"), Text(record, "code"), Text(record, "job")));
        Assert.Equal(
            (TestUsers.Bob, (long)bob.Uid.Value, (long)bob.Uid.Value, (long)bob.Gid.Value),
            (Text(record, "user"), Number(record, "uid"), Number(record, "caller_uid"), Number(record, "caller_gid")));
        Assert.Equal((StayingCaller.Program, "process"), (Text(record, "caller_exe"), Text(record, "caller_trust")));
        Assert.Equal(
            (0L, 5L, 5L, 0L), (Number(record, "exit"), Number(record, "stdin"), Number(record, "stdout"), Number(record, "stderr")));
        Assert.NotEqual("", Text(record, "rule"));
        Assert.True(Number(record, "worker_pid") > 1 && Number(record, "caller_pid") > 1);
        Assert.True((double)record["seconds"]! > 0 && (double)record["cpu"]! >= 0);
        Assert.False(record.ContainsKey("reason") || record.ContainsKey("signal"));
    }

    [Theory(Timeout = Bound.Test)]
    [InlineData("""{"job":"id","user":"root"}""", "Denied", "denied", "id")]
    [InlineData("""{"job":"no-such-job","user":"ALICE"}""", "Refused", "unknown-job", "no-such-job")]
    [InlineData("""{"job":"id","user":"no-such-user"}""", "Refused", "unknown-user", "id")]
    [InlineData("""{"job":"id","user":""", "Refused", "bad-request", null)]
    [InlineData("", "Refused", "bad-request", null)]
    [InlineData("TOO-LARGE", "Refused", "too-large", null)]
    [InlineData("""{"job":"id","user":"ALICE","args":{"x":1}}""", "Ran", "bad-args", "id")]
    [InlineData("""{"job":"say","user":"ALICE","args":{"x":1}}""", "Refused", "bad-args", "say")]
    [InlineData("""{"job":"exit","user":"ALICE","args":{"code":3}}""", "Ran", "failed", "exit")]
    [InlineData("""{"job":"signal","user":"ALICE","args":{"number":9}}""", "Ran", "signaled", "signal")]
    [InlineData("""{"job":"throw","user":"ALICE","args":{"message":"hunter2"}}""", "Ran", "error", "throw")]
    [InlineData("""{"job":"sleep","user":"ALICE","timeout":0.2,"args":{"seconds":100}}""", "Ran", "timeout", "sleep")]
    [InlineData("""{"op":"list"}""", "Told", "ok", null)]
    [InlineData("""{"op":"status"}""", "Told", "ok", null)]
    [InlineData("""{"op":"cancel","id":9999}""", "Refused", "unknown-job", null)]
    [InlineData("""{"op":"describe","job":"id"}""", "Told", "ok", "id")]
    [InlineData("""{"op":"check","job":"id","user":"root"}""", "Told", "denied", "id")]
    public async Task Every_request_has_one_record(string request, string kind, string code, string? job)
    {
        string line = request.Replace("ALICE", TestUsers.Alice, StringComparison.Ordinal).Replace(
            "TOO-LARGE", new string('x', 70_000), StringComparison.Ordinal);
        await RawClient.AskAsync(daemon, Encoding.UTF8.GetBytes($"{line}\n"));

        JsonObject record = await NextAsync();
        Assert.Equal(
            (kind, code, job), (Text(record, "event"), Text(record, "code"), record.ContainsKey("job") ? Text(record, "job") : null));
        Assert.Equal((0L, Environment.ProcessPath), (Number(record, "caller_uid"), Text(record, "caller_exe")));
        Assert.Equal(kind == "Ran", record.ContainsKey("worker_pid"));
        Assert.Equal(
            code == "signaled" ? 9 : null, record.ContainsKey("signal") && code != "timeout" ? Number(record, "signal") : (long?)null);
        Assert.DoesNotContain("hunter2", record.ToJsonString());
        Assert.Equal(
            kind == "Ran" || request.Contains("cancel", StringComparison.Ordinal), record.ContainsKey("id") && Number(record, "id") > 0);
        if (code == "denied")
            Assert.Contains("no rule", Text(record, "reason"));
    }

    [Fact(Timeout = Bound.Test)]
    public async Task A_client_that_leaves_has_its_record_too()
    {
        using (Socket client = await Crowd.SendAsync(daemon, $$$"""{"job":"graceful","user":"{{{TestUsers.Alice}}}"}"""))
            await Crowd.WaitForAsync(client, "ready");
        JsonObject record = await NextAsync();
        Assert.Equal(("Ran", "cancelled", "graceful"), (Text(record, "event"), Text(record, "code"), Text(record, "job")));

        (await RawClient.ConnectAsync(daemon)).Dispose();
        record = await NextAsync();
        Assert.Equal("Refused", Text(record, "event"));
    }

    [Fact(Timeout = Bound.Test)]
    public async Task A_refusal_of_one_connection_too_many_has_its_record()
    {
        var idle = new List<Socket>();
        for (int i = 0; i < 20; i++)
            idle.Add(await RawClient.ConnectAsync(daemon));
        await RawClient.AskAsync(daemon, """{"job":"id"}"""u8.ToArray());
        JsonObject record = await NextAsync();
        Assert.Equal(("Refused", "busy"), (Text(record, "event"), Text(record, "code")));

        idle.ForEach(socket => socket.Dispose());
        for (int i = 0; i < idle.Count; i++)
            Assert.Equal("Refused", Text(await NextAsync(), "event"));
    }

    [Fact(Timeout = Bound.Test)]
    public async Task Arguments_are_hashed_unless_the_registration_shows_them_and_secrets_are_never_shown()
    {
        string[] hashes = new string[4];
        for (int i = 0; i < 2; i++)
        {
            foreach ((string job, int at) in new[] { ("audited", 0), ("say", 2) })
            {
                FramedReply reply = await RawClient.RunAsync(
                    daemon, job, """{"secret":"hunter2","told":"a\nPRIORITY=0"}""",
                    more: job == "say" ? "" : ""","env":{"TEST_VALUE":"hunter2"}""");
                Assert.Equal(ReplyCode.Ok, reply.End.Code);
                JsonObject record = await NextAsync();
                Assert.Equal("""{"told":"a\nPRIORITY=0"}""", record["arguments"]!.ToJsonString());
                hashes[at + i] = Text(record, "arguments_hmac");
            }
        }

        await RawClient.RunAsync(daemon, "echo", """{"text":"hunter2"}""");
        JsonObject echo = await NextAsync();
        Assert.False(echo.ContainsKey("arguments"));
        Assert.Matches("^[0-9a-f]{64}$", Text(echo, "arguments_hmac"));
        Assert.Equal((hashes[0], hashes[2]), (hashes[1], hashes[3]));
        Assert.Equal(3, hashes.Append(Text(echo, "arguments_hmac")).Distinct().Count());

        await RawClient.RunAsync(daemon, "list-directory", """{"path":"/"}""");
        Assert.Equal("/", (string)(await NextAsync())["arguments"]!["path"]!);
        Assert.DoesNotContain("hunter2", File.ReadAllText(auditing.File));
        Assert.DoesNotContain("hunter2", daemon.Log);
        JobDescription audited = (await Client().DescribeAsync("audited"))!;
        await NextAsync(); // The next test does not find it.
        Assert.Equal(["told"], audited.AuditedArguments!);
    }

    [Fact(Timeout = Bound.Test)]
    public async Task A_hash_of_arguments_loads_no_library_of_cryptography_into_the_daemon()
    {
        await RawClient.RunAsync(daemon, "echo", """{"text":"a"}""");
        Assert.Matches("^[0-9a-f]{64}$", Text(await NextAsync(), "arguments_hmac"));

        string maps = File.ReadAllText($"/proc/{daemon.Pid}/maps");
        Assert.Contains("/libc.so", maps);
        Assert.DoesNotContain("libcrypto", maps);
        Assert.DoesNotContain("libssl", maps);
    }

    [Fact(Timeout = Bound.Test)]
    public async Task The_console_has_one_harmless_line_for_a_request()
    {
        await RawClient.RunAsync(daemon, "audited", """{"secret":"hunter22","told":"\u001b[2J\nfail: forged"}""");
        await NextAsync();
        await Bound.UntilAsync(() => daemon.Log.Contains("u001B[2J", StringComparison.OrdinalIgnoreCase), () => daemon.Log);
        string line = Assert.Single(daemon.Log.Split('\n'), text => text.Contains("u001B[2J", StringComparison.OrdinalIgnoreCase));
        Assert.Contains(
            $"info: PipeForkAs.Audit[100] uid 0: run audited as {TestUsers.Alice}: ok [operation=run code=ok job=audited ", line);
        Assert.DoesNotContain(line, char.IsControl);
        Assert.DoesNotContain("\nfail:", daemon.Log);
    }

    [Fact(Timeout = Bound.Test)]
    public async Task A_hang_up_opens_the_file_anew_as_logrotate_wants_it()
    {
        File.Move(auditing.File, auditing.File + ".1");
        Libc.kill(new ProcessId(daemon.Pid), Signal.SIGHUP);
        await Bound.UntilAsync(() => File.Exists(auditing.File), () => daemon.Log);
        seen = 0;
        await RawClient.RunAsync(daemon, "id");
        Assert.Equal("ok", Text(await NextAsync(), "code"));
        Assert.Equal(0x180u, Libc.lstat(auditing.File)!.Value.Permissions);
    }

    private static JsonObject[] Lines(string file) => [.. File.ReadAllLines(file).Select(line => JsonNode.Parse(line)!.AsObject())];

    private static string Text(JsonObject record, string name) => (string)record[name]!;

    private static long Number(JsonObject record, string name) => (long)record[name]!;

    private Client.PipeForkAsClient Client() => new(daemon.Socket);

    /// <summary>The next record of the file; a request has one, and it stands there soon after the reply.</summary>
    private async Task<JsonObject> NextAsync()
    {
        await Bound.UntilAsync(() => File.ReadAllText(auditing.File).Count(c => c == '\n') > seen, () => $"no record comes: {daemon.Log}");
        return Lines(auditing.File)[seen++];
    }
}
