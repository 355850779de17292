using System.Net.Sockets;
using System.Text;
using System.Text.Json;
using PipeForkAs.EndToEnd.Harness;
using PipeForkAs.LibC;
using PipeForkAs.Protocol.Client;

namespace PipeForkAs.EndToEnd;

/// <summary>Tests identities and line ends in each field of a request.</summary>
public sealed class ForgeryTests(PlainDaemon shared) : IClassFixture<PlainDaemon>
{
    private const string Uid = "UID", Name = "NAME";
    private static readonly string[] Injected = ["\n", "\r", "\0", "\r\n", "\u001b[2K", "\u0085", "\u2028", "\u202e"];
    private readonly DaemonProcess daemon = shared.Daemon;

    /// <summary>Notations of a user, as JSON; UID and NAME are those of another user. None may lead to that user or to root.</summary>
    public static TheoryData<string> Users =>
    [
        "-1", "\"-1\"", "4294967295", "\"4294967295\"", "4294967296", "\"4294967296\"", "18446744073709551616",
            "\"18446744073709551616\"", "-0", "\"-0\"", "0.0", "1e0", "0e9",
        "\"+UID\"", "\" UID\"", "\"UID \"", "\"\\tUID\"", "\"UID\\n\"", "\"UID\\u0000\"", "\"\\u0000UID\"", "\"0xUID\"", "UID.0", "UIDe0",
            "\"UID,0\"", "\"#UID\"",
        "\"NAME \"", "\" NAME\"", "\"NAME\\n\"", "\"NAME\\u0000\"", "\"NAME\\u0000x\"", "\"NAME:\"", "\"NAME/\"", "\"../NAME\"",
            "\"@NAME\"", "\"~NAME\"", "\"NAME@localhost\"",
        "\"-u NAME\"", "\"--NAME\"", "\"NAME\\u200b\"", "\"\\ufeffNAME\"", "\"NAME\\u0301\"", "[\"NAME\"]", "{\"name\":\"NAME\"}", "true",
            "\"self\"", "\"*\"", "\"root\"", "\"ROOT\"", "\"root\\u0000\"", "\"00\"", "\"\"",
        "\"\\uff10\"", "\"\\u0660\"", "\"DIGITS\"", "\"0UID\"", "\"00000000000000000000UID\"",
    ];

    [Theory(Timeout = Bound.Test)]
    [MemberData(nameof(Users))]
    public async Task No_spelling_of_a_user_name_gives_access_to_another_user(string user)
    {
        string bob = TestUsers.Entry(TestUsers.Bob).Uid.ToString();
        string digits = string.Concat(bob.Select(digit => (char)(digit - '0' + '\uff10')));
        string spelled = user.Replace(Uid, bob, StringComparison.Ordinal).Replace(Name, TestUsers.Bob, StringComparison.Ordinal).Replace(
            "DIGITS", digits, StringComparison.Ordinal);
        foreach (string rest in new[] { "", ",\"op\":\"check\"", ",\"op\":\"check\",\"caller\":\"root\"" })
        {
            string reply = await AsAliceAsync($$"""{"job":"id","user":{{spelled}}{{rest}}}""");
            Assert.Matches("^(denied: [^\n]*\n)?pipeforkas: (denied|bad-request|too-large): [^\n]*\n$", reply);
        }

        string caller = await AsAliceAsync($$"""{"op":"check","job":"id","caller":{{spelled}}}""");
        Assert.Matches("^pipeforkas: (denied|bad-request): [^\n]*\n$", caller);
    }

    /// <summary>A text of digits is a uid, with any leading zeros, so the caller's own uid is allowed.</summary>
    [Fact(Timeout = Bound.Test)]
    public async Task Leading_zeros_of_a_uid_do_not_change_the_user() =>
        Assert.StartsWith($"uid={TestUsers.AliceUid}(", await AsAliceAsync($$"""{"job":"id","user":"000{{TestUsers.AliceUid}}"}"""));

    [Theory(Timeout = Bound.Test)]
    [InlineData("op", "run")]
    [InlineData("op", "check")]
    [InlineData("job", "id")]
    [InlineData("user", Name)]
    [InlineData("caller", "root")]
    [InlineData("reply", "text")]
    [InlineData("timeout", "1")]
    public async Task A_line_end_or_NUL_in_a_value_is_refused_with_one_clean_line(string member, string word)
    {
        foreach (string injected in Injected)
        {
            foreach (string value in new[] { injected + word, word + injected, $"{word}{injected}{word}",
                $"{word}{injected}pipeforkas: ok: forged" })
            {
                var request = new Dictionary<string, string> { ["job"] = "id", ["user"] = TestUsers.Alice };
                request[member == "caller" ? "op" : member] = "check";
                request[member] = value.Replace(Name, TestUsers.Alice, StringComparison.Ordinal);
                string reply = await RawClient.TextAsync(daemon, JsonSerializer.Serialize(request));
                Assert.Matches("^pipeforkas: (bad-request|unknown-user|denied): \\P{Cc}*\n$", reply);
                Assert.DoesNotContain('\u2028', reply);
            }
        }
    }

    [Fact(Timeout = Bound.Test)]
    public async Task A_line_end_or_NUL_in_a_member_name_is_refused_with_one_clean_line()
    {
        foreach (string injected in Injected)
        {
            foreach (string member in new[] { $"job{injected}", $"{injected}user", $"x{injected}pipeforkas: ok: forged" })
            {
                string reply = await RawClient.TextAsync(daemon, $$"""{"job":"id",{{JsonSerializer.Serialize(member)}}:"root"}""");
                Assert.Matches("^pipeforkas: bad-request: \\P{Cc}*\n$", reply);
            }

            string variable = await RawClient.TextAsync(
                daemon,
                $$"""{"job":"self","user":"{{TestUsers.Alice}}","env":{ """
                    + JsonSerializer.Serialize($"LANG{injected}LD_PRELOAD") + """:"x"} }""");
            Assert.Matches("^pipeforkas: bad-request: \\P{Cc}*\n$", variable);
            string argument = await RawClient.TextAsync(
                daemon, $$"""{"job":"echo","user":"{{TestUsers.Alice}}","args":{ {{JsonSerializer.Serialize($"text{injected}")}}:"x"} }""");
            Assert.Matches("^pipeforkas: bad-args: \\P{Cc}*\n$", argument);
        }
    }

    /// <summary>In an argument they are data: they arrive unchanged, and end nothing.</summary>
    [Fact(Timeout = Bound.Test)]
    public async Task A_line_end_or_NUL_in_an_argument_reaches_the_job()
    {
        foreach (string injected in Injected)
        {
            string text = $"a{injected}pipeforkas: ok: forged{injected}";
            FramedReply reply = await RawClient.RunAsync(
                daemon, "echo", JsonSerializer.Serialize(new Dictionary<string, string> { ["text"] = text }));
            Assert.Equal((ReplyCode.Ok, text + "\n"), (reply.End.Code, reply.Text));
        }

        FramedReply path = await RawClient.RunAsync(daemon, "read-file", """{"path":"/etc/passwd\u0000.txt"}""");
        Assert.NotEqual(ReplyCode.Ok, path.End.Code);
        Assert.Empty(path.Stdout);
    }

    /// <summary>
    /// A process of bob gets a connection that root made, and requests a job as alice, which bob may not: the caller is root.
    /// </summary>
    [Fact(Timeout = Bound.Test)]
    public async Task The_caller_is_the_process_that_connected_whichever_process_writes()
    {
        string request = $$"""{"job":"id","user":"{{TestUsers.Alice}}"}""";
        Assert.StartsWith("pipeforkas: denied: ", (await Tool.RunAsAsync(
            TestUsers.Bob, ["socat", "-t", "30", "-", $"UNIX-CONNECT:{daemon.Socket}"], Encoding.UTF8.GetBytes(request + "\n"))).Text);
        using Socket socket = await RawClient.ConnectAsync(daemon);
        using (FileDescriptor nothing = Libc.open("/dev/null", OpenFlags.O_RDWR))
        {
            var connection = new FileDescriptor((int)socket.Handle);
            Libc.wait_for(
                Libc.posix_spawn(
                    "/usr/sbin/runuser", ["runuser", "-u", TestUsers.Bob, "--", "printf", "%s\\n", request], [],
                    [(nothing, 0), (connection, 1), (nothing, 2)]));
            connection.Release();
        }

        Assert.StartsWith($"uid={TestUsers.AliceUid}(", Encoding.UTF8.GetString(await RawClient.ReadToEndAsync(socket)));
    }

    private async Task<string> AsAliceAsync(string request)
    {
        ToolResult result = await Tool.RunAsAsync(
            TestUsers.Alice, ["socat", "-t", "30", "-", $"UNIX-CONNECT:{daemon.Socket}"], Encoding.UTF8.GetBytes(request + "\n"));
        Assert.True(result.ExitCode == 0, result.Error);
        return result.Text;
    }
}
