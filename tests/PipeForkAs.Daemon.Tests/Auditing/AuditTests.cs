using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using Microsoft.Extensions.Logging;
using PipeForkAs.Daemon.Auditing;
using PipeForkAs.Daemon.Authorization;
using PipeForkAs.Daemon.Callers;
using PipeForkAs.Daemon.Configuration;
using PipeForkAs.Daemon.Requests;
using PipeForkAs.Daemon.Systemd;
using PipeForkAs.Daemon.Tests.Fakes;
using PipeForkAs.LibC;
using PipeForkAs.Protocol.Client;
using PipeForkAs.Protocol.Worker;

namespace PipeForkAs.Daemon.Tests.Auditing;

/// <summary>One record of a request, to the journal and to a file.</summary>
public sealed class AuditTests : AuditTest
{
    private const string Evil = "x\nPRIORITY=0\n\0\u001b]0;t\u0007";

    [Fact]
    public async Task A_job_that_ran_is_told_of_with_all_that_is_known()
    {
        Audit.Write(Ran());

        Dictionary<string, string> fields = Journal.Next()!.ToDictionary(field => field.Name, field => field.Value);
        Assert.Null(Journal.Next());
        Assert.Equal("uid 1002: run id as alice: failed: the job exited with 3", fields["MESSAGE"]);
        Assert.Equal(("6", "Ran"), (fields["PRIORITY"], fields["PIPEFORKAS_EVENT"]));
        Assert.Equal(
            ("id", "alice", "1001", "panel"),
            (fields["PIPEFORKAS_JOB"], fields["PIPEFORKAS_USER"], fields["PIPEFORKAS_UID"], fields["PIPEFORKAS_RULE"]));
        Assert.Equal(
            ("1002", "1003", "4711"), (fields["PIPEFORKAS_CALLER_UID"], fields["PIPEFORKAS_CALLER_GID"], fields["PIPEFORKAS_CALLER_PID"]));
        Assert.Equal(
            ("/usr/bin/php", "php.service", "process"),
            (fields["PIPEFORKAS_CALLER_EXE"], fields["PIPEFORKAS_CALLER_UNIT"], fields["PIPEFORKAS_CALLER_TRUST"]));
        Assert.Equal(
            ("3", "5", "6", "99"),
            (fields["PIPEFORKAS_EXIT"], fields["PIPEFORKAS_STDOUT"], fields["PIPEFORKAS_STDERR"], fields["PIPEFORKAS_WORKER_PID"]));

        JsonObject line = Assert.Single(await LinesAsync());
        Assert.Equal(
            ("Ran", "run", "failed", 3), ((string)line["event"]!, (string)line["operation"]!, (string)line["code"]!, (int)line["exit"]!));
        Assert.Equal((0.25, 0.125), ((double)line["seconds"]!, (double)line["cpu"]!));
        Assert.Equal(fields["PIPEFORKAS_ARGUMENTS_HMAC"], (string)line["arguments_hmac"]!);
        Assert.Equal(DateTimeKind.Utc, line["time"]!.GetValue<DateTime>().Kind);
        Assert.False(line.ContainsKey("signal") || line.ContainsKey("arguments"));
    }

    [Theory]
    [InlineData(ReplyCode.Denied, false)]
    [InlineData(ReplyCode.BadArguments, true)]
    [InlineData(ReplyCode.Busy, true)]
    [InlineData(ReplyCode.Ok, false)]
    public async Task What_was_refused_has_no_hash_of_its_arguments(ReplyCode code, bool isAllowed)
    {
        AuditTrail trail = Ran();
        trail.Decision = isAllowed ? trail.Decision : null;
        trail.End = new EndRecord { Code = code, Message = "refused", Job = "id" };
        Audit.Write(trail);
        Assert.False(Assert.Single(await LinesAsync()).ContainsKey("arguments_hmac"));
    }

    [Fact]
    public async Task What_a_check_allows_has_a_hash_of_its_arguments()
    {
        AuditTrail trail = Ran();
        trail.Request = trail.Request! with { Operation = Operation.Check };
        trail.End = new EndRecord { Code = ReplyCode.Ok, Job = "id" };
        Audit.Write(trail);
        Assert.Matches("^[0-9a-f]{64}$", (string)Assert.Single(await LinesAsync())["arguments_hmac"]!);
    }

    [Fact]
    public async Task Every_member_of_the_file_is_a_field_of_the_journal_with_the_same_value()
    {
        Shown = ["*"];
        Audit.Write(Ran());
        Dictionary<string, string> fields = Journal.Next()!.ToDictionary(field => field.Name, field => field.Value);
        JsonObject line = Assert.Single(await LinesAsync());
        foreach ((string name, JsonNode? value) in line.Where(member => member.Key is not ("time" or "event")))
            Assert.Equal(
                value is JsonValue text && text.GetValueKind() == JsonValueKind.String ? (string)text! : value!.ToJsonString(),
                fields[$"PIPEFORKAS_{name.ToUpperInvariant()}"]);
        // Event and logger.
        Assert.Equal(line.Count - 2, fields.Keys.Count(name => name.StartsWith("PIPEFORKAS_", StringComparison.Ordinal)) - 2);
    }

    [Fact]
    public async Task Secrets_are_in_no_record()
    {
        Shown = ["path"];
        AuditTrail trail = Ran("{\"path\":\"/told\",\"password\":\"hunter2\"}");
        trail.Request = trail.Request! with { Environment = new() { ["TOKEN"] = "hunter2", ["LANG"] = "hunter2" } };
        trail.End = trail.End! with
        {
            Code = ReplyCode.Error,
            Message = "System.Exception: hunter2",
            Error = new JobError("System.Exception", "hunter2"),
        };
        Audit.Write(trail);

        List<(string Name, string Value)> fields = Journal.Next()!;
        Assert.DoesNotContain(fields, field => field.Value.Contains("hunter2", StringComparison.Ordinal));
        Assert.Contains(("PIPEFORKAS_ARGUMENTS", "{\"path\":\"/told\"}"), fields);
        Assert.Contains(("PIPEFORKAS_ENVIRONMENT", "LANG TOKEN"), fields);
        await WrittenAsync();
        Assert.DoesNotContain("hunter2", File.ReadAllText(Folder.File("audit")));
        Assert.Equal("/told", (string)Assert.Single(await LinesAsync())["arguments"]!["path"]!);
    }

    [Fact]
    public void A_denial_tells_the_rule_and_the_reason_that_the_client_is_not_told()
    {
        AuditTrail trail = Trail();
        trail.Request = Request.Parse("{\"job\":\"id\",\"user\":\"root\"}"u8);
        trail.Decision = new Decision(Answer.Denied, "no-root", "rule \"no-root\" denies it");
        trail.End = new EndRecord { Code = ReplyCode.Denied, Message = "the policy does not allow uid 1002 to run \"id\" as \"root\"" };
        Audit.Write(trail);

        List<(string Name, string Value)> fields = Journal.Next()!;
        Assert.Contains(("PRIORITY", "4"), fields);
        Assert.Contains(("PIPEFORKAS_EVENT", "Denied"), fields);
        Assert.Contains(("PIPEFORKAS_RULE", "no-root"), fields);
        Assert.Contains(("MESSAGE", "uid 1002: run id as root: denied: rule \"no-root\" denies it"), fields);
        Assert.DoesNotContain(fields, field => field.Name is "PIPEFORKAS_UID" or "PIPEFORKAS_WORKER_PID" or "PIPEFORKAS_STDOUT");
    }

    [Fact]
    public async Task What_was_no_request_and_what_the_daemon_broke_have_their_records_too()
    {
        AuditTrail bad = Trail();
        bad.End = new EndRecord { Code = ReplyCode.BadRequest, Message = "no JSON" };
        Audit.Write(bad);
        Audit.Write(Trail());

        Assert.Contains(("MESSAGE", "uid 1002: a request: bad-request: no JSON"), Journal.Next()!);
        Assert.Contains(("PRIORITY", "3"), Journal.Next()!);
        Assert.Equal(["bad-request", "internal"], (await LinesAsync()).Select(line => (string)line["code"]!));
    }

    [Fact]
    public async Task Asking_what_may_be_done_is_no_denial()
    {
        AuditTrail trail = Trail();
        trail.Request = Request.Parse("{\"op\":\"check\",\"job\":\"id\",\"user\":\"root\",\"caller\":\"www-data\"}"u8);
        trail.Decision = Decision.Deny("no rule matches");
        trail.End = new EndRecord { Code = ReplyCode.Denied, Stdout = 7 };
        Audit.Write(trail);

        JsonObject line = Assert.Single(await LinesAsync());
        Assert.False(line.ContainsKey("trace_id"));
        Assert.Equal(
            ("Told", "check", "www-data", "no rule matches"),
            ((string)line["event"]!, (string)line["operation"]!, (string)line["asked_for_caller"]!, (string)line["reason"]!));
        Assert.Contains(("PRIORITY", "6"), Journal.Next()!);
    }

    [Fact]
    public async Task A_request_of_a_trace_has_its_trace_id()
    {
        AuditTrail trail = Trail();
        trail.Request = Request.Parse("""{"job":"id","traceparent":"00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"}"""u8);
        trail.End = new EndRecord { Code = ReplyCode.Ok, Pid = 1 };
        Audit.Write(trail);

        JsonObject line = Assert.Single(await LinesAsync());
        Assert.Equal("0af7651916cd43dd8448eb211c80319c", (string?)line["trace_id"]);
        Assert.Contains(("PIPEFORKAS_TRACE_ID", "0af7651916cd43dd8448eb211c80319c"), Journal.Next()!);
    }

    [Fact]
    public async Task Nothing_that_a_client_or_a_job_says_makes_a_second_field_record_or_line()
    {
        Shown = ["*"];
        string json = JsonSerializer.Serialize(new Dictionary<string, string> { [Evil] = Evil });
        AuditTrail trail = Trail(new CallerOrigin($"/tmp/{Evil}", $"{Evil}.service", OriginTrust.Process));
        trail.Request = new Request
        {
            Job = Evil,
            User = Evil,
            Caller = Evil,
            Arguments = Encoding.UTF8.GetBytes(json),
            Environment = new() { [Evil] = Evil },
        };
        trail.Decision = new Decision(Answer.Allowed, Evil, Evil, Alice with { Name = Evil });
        trail.End = new EndRecord { Code = ReplyCode.Internal, Message = Evil, Job = Evil, User = Evil, Pid = 1 };
        Audit.Write(trail);

        List<(string Name, string Value)> fields = Journal.Next()!;
        Assert.Null(Journal.Next());
        Assert.Equal(fields.Count, fields.Select(field => field.Name).Distinct().Count());
        Assert.Contains(("PRIORITY", "3"), fields);
        Assert.All(
            ["JOB", "USER", "RULE", "REASON", "ASKED_FOR_CALLER", "ENVIRONMENT"],
            name => Assert.Contains(($"PIPEFORKAS_{name}", Evil), fields));
        Assert.Contains(("PIPEFORKAS_CALLER_EXE", $"/tmp/{Evil}"), fields);

        await WrittenAsync();
        string text = File.ReadAllText(Folder.File("audit"));
        Assert.DoesNotContain(text[..^1], char.IsControl);
        JsonObject line = Assert.Single(await LinesAsync());
        Assert.Equal((Evil, Evil), ((string)line["job"]!, (string)line["arguments"]![Evil]!));

        var record = new AuditRecord(trail, new ArgumentDigest(), Shown);
        string console = LineFormatter.Text(record, null, record.Sentence);
        Assert.DoesNotContain(console, char.IsControl);
        Assert.Contains(" operation=run code=internal job=\"x\\nPRIORITY=0\\n\\u0000\\u001B]0;t\\u0007\" ", console.Replace('[', ' '));
    }
}
