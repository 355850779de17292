using System.Text;
using PipeForkAs.EndToEnd.Harness;
using PipeForkAs.Protocol.Client;

namespace PipeForkAs.EndToEnd;

/// <summary>A daemon with only the built-in rules.</summary>
public sealed class PlainDaemon : ConfiguredDaemon;

/// <summary>Tests which caller may run a job as which user, and that a denial reveals nothing.</summary>
public sealed class AuthorizationTests(PlainDaemon shared) : IClassFixture<PlainDaemon>
{
    private readonly DaemonProcess daemon = shared.Daemon;

    /// <summary>Users, as JSON values, that no caller may run a job as.</summary>
    public static TheoryData<string> Untraceable =>
        ["\"root\"", "\"0\"", "0", "\"00\"", "4294967295", "\"4294967295\"", "4294967296", "-1", "\"-1\"", "1", "\"daemon\"", "999",
            "\" 0\"", "\"\""];

    [Fact(Timeout = Bound.Test)]
    public async Task Alice_is_denied_a_job_as_bob_in_frames()
    {
        FramedReply reply = FramedReply.Parse(await AskAsAliceAsync($$"""{"job":"id","user":"{{TestUsers.Bob}}","reply":"frames"}"""));

        Assert.Equal(ReplyCode.Denied, reply.End.Code);
        Assert.Empty(reply.Stdout);
        Assert.Equal((null, null, null), (reply.End.Uid, reply.End.Pid, reply.End.Exit));
    }

    [Fact(Timeout = Bound.Test)]
    public async Task Alice_is_denied_a_job_as_bob_in_text()
    {
        string reply = Encoding.UTF8.GetString(await AskAsAliceAsync($$"""{"job":"id","user":"{{TestUsers.Bob}}"}"""));

        Assert.StartsWith("pipeforkas: denied: ", reply);
        Assert.Equal(reply.Length - 1, reply.IndexOf('\n', StringComparison.Ordinal));
    }

    [Fact(Timeout = Bound.Test)]
    public async Task Alice_may_name_herself()
    {
        foreach (string user in new[] { $"\"{TestUsers.Alice}\"", $"\"{TestUsers.AliceUid}\"", TestUsers.AliceUid })
        {
            FramedReply reply = FramedReply.Parse(await AskAsAliceAsync($$"""{"job":"id","user":{{user}},"reply":"frames"}"""));
            Assert.Equal((ReplyCode.Ok, TestUsers.Alice), (reply.End.Code, reply.End.User));
        }
    }

    [Theory(Timeout = Bound.Test)]
    [MemberData(nameof(Untraceable))]
    public async Task No_caller_runs_a_job_as_root_or_a_system_account(string user)
    {
        string request = $$"""{"job":"id","user":{{user}},"reply":"frames"}""";

        foreach (byte[] reply in new[] { await AskAsAliceAsync(request),
            await RawClient.AskAsync(daemon, Encoding.UTF8.GetBytes(request)) })
        {
            Assert.DoesNotContain("uid=", Encoding.UTF8.GetString(reply));
            Assert.Contains(CodeOf(reply), (ReplyCode[])[ReplyCode.Denied, ReplyCode.BadRequest]);
        }
    }

    [Fact(Timeout = Bound.Test)]
    public async Task Root_as_itself_is_denied_by_default()
    {
        FramedReply reply = await RawClient.FramesAsync(daemon, """{"job":"id","reply":"frames"}""");

        Assert.Equal(ReplyCode.Denied, reply.End.Code);
    }

    [Fact(Timeout = Bound.Test)]
    public async Task To_alice_an_unknown_user_looks_like_any_other_user()
    {
        string unknown = TestUsers.Bob.Replace("pfa-b", "pfa-x", StringComparison.Ordinal);

        string existing = await AskBothWaysAsync(TestUsers.Bob);
        string missing = await AskBothWaysAsync(unknown);
        string other = await AskBothWaysAsync("root");

        Assert.Equal(
            existing.Replace(TestUsers.Bob, "USER", StringComparison.Ordinal), missing.Replace(unknown, "USER", StringComparison.Ordinal));
        Assert.Equal(
            existing.Replace(TestUsers.Bob, "USER", StringComparison.Ordinal), other.Replace("root", "USER", StringComparison.Ordinal));
    }

    [Fact(Timeout = Bound.Test)]
    public async Task To_alice_an_unknown_uid_looks_like_any_other_uid()
    {
        string bob = TestUsers.Entry(TestUsers.Bob).Uid.ToString();

        string existing = await AskBothWaysAsync(bob);
        string missing = await AskBothWaysAsync("3987654321");

        Assert.Equal(
            existing.Replace($"\"{bob}\"", "UID", StringComparison.Ordinal),
            missing.Replace("\"3987654321\"", "UID", StringComparison.Ordinal));
    }

    [Fact(Timeout = Bound.Test)]
    public async Task A_denial_does_not_reveal_whether_the_job_exists()
    {
        string known = Encoding.UTF8.GetString(await AskAsAliceAsync($$"""{"job":"id","user":"{{TestUsers.Bob}}"}"""));
        string unknown = Encoding.UTF8.GetString(await AskAsAliceAsync($$"""{"job":"no-such-job","user":"{{TestUsers.Bob}}"}"""));

        Assert.Equal(
            known.Replace("\"id\"", "JOB", StringComparison.Ordinal), unknown.Replace("\"no-such-job\"", "JOB", StringComparison.Ordinal));
    }

    [Fact(Timeout = Bound.Test)]
    public async Task Root_learns_that_a_user_is_unknown()
    {
        foreach (string user in new[] { "no-such-user", "3987654321" })
        {
            FramedReply reply = await RawClient.RunAsync(daemon, "id", user: user);
            Assert.Equal(ReplyCode.UnknownUser, reply.End.Code);
            Assert.Contains(user, reply.End.Message);
        }
    }

    [Fact(Timeout = Bound.Test)]
    public async Task A_caller_that_may_run_any_job_learns_that_a_job_is_unknown()
    {
        FramedReply reply = FramedReply.Parse(await AskAsAliceAsync("""{"job":"no-such-job","reply":"frames"}"""));
        Assert.Equal(ReplyCode.UnknownJob, reply.End.Code);

        ToolResult command = await Tool.RunAsAsync(TestUsers.Alice, [NativeBuild.Command, "--socket", daemon.Socket, "run", "no-such-job"]);
        Assert.Equal(127, command.ExitCode);
    }

    [Theory(Timeout = Bound.Test)]
    [InlineData("\"uid\":1000")]
    [InlineData("\"gid\":0")]
    [InlineData("\"groups\":[0]")]
    [InlineData("\"caller\":\"root\"")]
    [InlineData("\"callerUid\":0")]
    [InlineData("\"pid\":1")]
    [InlineData("\"as\":\"root\"")]
    [InlineData("\"User\":\"root\"")]
    [InlineData("\"user\":\"root\"")]
    [InlineData("\"us\\u0065r\":\"root\"")]
    public async Task A_client_cannot_name_itself_or_the_user_twice(string member)
    {
        string request = $$"""{"job":"id","user":"{{TestUsers.Alice}}",{{member}},"reply":"frames"}""";

        byte[] reply = await AskAsAliceAsync(request);

        Assert.Equal(ReplyCode.BadRequest, CodeOf(reply));
        Assert.DoesNotContain("uid=", Encoding.UTF8.GetString(reply));
    }

    /// <summary>The code of a reply in either form: the reply to an invalid request may be text.</summary>
    private static ReplyCode CodeOf(byte[] reply)
    {
        string text = Encoding.UTF8.GetString(reply);
        if (!text.StartsWith("pipeforkas: ", StringComparison.Ordinal))
            return FramedReply.Parse(reply).End.Code;
        Assert.EndsWith("\n", text);
        return EndRecord.Parse(Encoding.UTF8.GetBytes($$"""{"code":"{{text.Split(": ")[1]}}"}""")).Code;
    }

    private async Task<string> AskBothWaysAsync(string user)
    {
        string text = Encoding.UTF8.GetString(await AskAsAliceAsync($$"""{"job":"id","user":"{{user}}"}"""));
        FramedReply frames = FramedReply.Parse(await AskAsAliceAsync($$"""{"job":"id","user":"{{user}}","reply":"frames"}"""));
        Assert.StartsWith("pipeforkas: denied: ", text);
        return text
            + Encoding.UTF8.GetString((frames.End with { Seconds = 0 }).ToJson()).Replace("\\u0022", "\"", StringComparison.Ordinal);
    }

    private async Task<byte[]> AskAsAliceAsync(string request)
    {
        ToolResult result = await Tool.RunAsAsync(
            TestUsers.Alice, ["socat", "-t", "30", "-", $"UNIX-CONNECT:{daemon.Socket}"], Encoding.UTF8.GetBytes(request + "\n"));
        Assert.True(result.ExitCode == 0, result.Error);
        return result.Output;
    }
}
