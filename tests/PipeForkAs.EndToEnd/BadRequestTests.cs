using System.Diagnostics;
using System.Net.Sockets;
using System.Text;
using PipeForkAs.EndToEnd.Harness;
using PipeForkAs.LibC;
using PipeForkAs.Protocol.Client;
using SocketShutdown = System.Net.Sockets.SocketShutdown;

namespace PipeForkAs.EndToEnd;

/// <summary>A daemon with a short request timeout.</summary>
public sealed class ImpatientDaemon : IAsyncLifetime
{
    public static readonly TimeSpan Patience = TimeSpan.FromSeconds(2);

    internal DaemonProcess Daemon { get; private set; } = null!;

    public async ValueTask InitializeAsync() =>
        Daemon = await DaemonProcess.StartAsync(c => c["Limits"]!["RequestTimeout"] = Patience.ToString());

    public async ValueTask DisposeAsync()
    {
        await using (Daemon)
        {
            Assert.Equal(0, await Daemon.StopAsync());
            Assert.DoesNotContain("fail:", Daemon.Log);
        }
    }
}

public sealed class BadRequestTests(ImpatientDaemon impatient) : IClassFixture<ImpatientDaemon>
{
    private const int Mutations = 4_000;
    private readonly DaemonProcess daemon = impatient.Daemon;

    /// <summary>Lines with their codes; a character represents a byte.</summary>
    public static TheoryData<string, string> Lines => new()
    {
        { "", "bad-request" },
        { "hello", "bad-request" },
        { "null", "bad-request" },
        { "[]", "bad-request" },
        { "\"id\"", "bad-request" },
        { "\0", "bad-request" },
        { "\u00ef\u00bb\u00bf{\"job\":\"id\"}", "bad-request" },
        { "{\"job\":\"id\"", "bad-request" },
        { "{\"job\":\"id\"}{}", "bad-request" },
        { "{\"job\":\"id\"}//", "bad-request" },
        { "{\"job\":\"id\",}", "bad-request" },
        { "{'job':'id'}", "bad-request" },
        { "{}", "bad-request" },
        { "{\"job\":\"i\0d\"}", "bad-request" },
        { "{\"job\":\"i\\u0000d\"}", "bad-request" },
        { "{\"job\":\"\u00ff\u00fe\"}", "bad-request" },
        { "{\"job\":\"\\ud800\"}", "bad-request" },
        { "{\"job\":\"../id\"}", "bad-request" },
        { "{\"job\":\"id\",\"usr\":\"x\"}", "bad-request" },
        { "{\"job\":\"id\",\"Job\":\"id\"}", "bad-request" },
        { "{\"job\":\"id\",\"job\":\"id\"}", "bad-request" },
        { "{\"job\":\"id\",\"\\u006aob\":\"id\"}", "bad-request" },
        { "{\"job\":1}", "bad-request" },
        { "{\"job\":null}", "bad-request" },
        { "{\"job\":\"id\",\"user\":true}", "bad-request" },
        { "{\"job\":\"id\",\"user\":99999999999999999999999}", "bad-request" },
        { "{\"job\":\"id\",\"user\":4294967295}", "bad-request" },
        { "{\"job\":\"id\",\"user\":-1}", "bad-request" },
        { "{\"job\":\"id\",\"user\":1e9}", "bad-request" },
        { "{\"job\":\"id\",\"user\":\"a:b\"}", "bad-request" },
        { "{\"job\":\"id\",\"args\":[]}", "bad-request" },
        { "{\"job\":\"id\",\"env\":{\"A=B\":\"\"}}", "bad-request" },
        { "{\"job\":\"id\",\"timeout\":1e999}", "bad-request" },
        { "{\"job\":\"id\",\"timeout\":0}", "bad-request" },
        { "{\"job\":\"id\",\"timeout\":\"1\"}", "bad-request" },
        { "{\"op\":\"delete\"}", "bad-request" },
        { "{\"op\":1}", "bad-request" },
        { "{\"op\":\"run, list\",\"job\":\"id\"}", "bad-request" },
        { "{\"job\":\"id\",\"reply\":\"html\"}", "bad-request" },
        { "{\"job\":\"id\",\"args\":" + Nested(40) + "}", "bad-request" },
        { "{\"job\":\"id\",\"args\":" + Nested(9_000) + "}", "bad-request" },
        { "{\"job\":\"id\"}" + new string(' ', 64 * 1024), "too-large" },
        { new string('x', 64 * 1024), "too-large" },
        { new string('[', 1_000_000), "too-large" },
        { "{\"job\":\"no-such-job\"}", "denied" },
        { "{\"job\":\"no-such-job\",\"user\":\"ALICE\"}", "unknown-job" },
        { "{\"job\":\"id\",\"user\":\"no-such-user\"}", "unknown-user" },
        { "{\"job\":\"id\",\"user\":0}", "denied" },
        { "{\"job\":\"id\",\"user\":\"root\"}", "denied" },
        { "{\"job\":\"id\",\"user\":\"ALICE\",\"env\":{\"LD_PRELOAD\":\"/x\"}}", "bad-args" },
        { "{\"job\":\"id\",\"user\":\"ALICE\",\"args\":{\"x\":1}}", "bad-args" },
        { "{\"job\":\"sum\",\"user\":\"ALICE\",\"args\":{\"a\":1}}", "bad-args" },
        { "{\"job\":\"sum\",\"user\":\"ALICE\",\"args\":{\"a\":1,\"b\":1e400}}", "bad-args" },
        { "{\"job\":\"sum\",\"user\":\"ALICE\",\"args\":{\"a\":1,\"b\":2,\"c\":3}}", "bad-args" },
    };

    [Theory(Timeout = Bound.Test)]
    [MemberData(nameof(Lines), DisableDiscoveryEnumeration = true)]
    public async Task Each_bad_request_gets_its_code_in_one_line_of_text(string line, string code)
    {
        string reply = Encoding.UTF8.GetString(await RawClient.AskAsync(daemon, Bytes(line + "\n"), halfClose: false));
        Assert.StartsWith($"pipeforkas: {code}: ", reply);
        Assert.Equal(reply.Length - 1, reply.IndexOf('\n'));
        await ServesOnAsync();
    }

    [Theory(Timeout = Bound.Test)]
    [MemberData(nameof(Lines), DisableDiscoveryEnumeration = true)]
    public async Task Each_bad_request_gets_its_code_in_one_frame(string line, string code)
    {
        // A line that is not an object, or has an invalid reply form, cannot request frames.
        if (!line.StartsWith('{') || line.Contains("\"reply\"", StringComparison.Ordinal)
            || line.StartsWith("{'", StringComparison.Ordinal))
            return;
        string comma = line == "{}" ? "" : ",";
        FramedReply reply = FramedReply.Parse(
            await RawClient.AskAsync(daemon, Bytes($"{{\"reply\":\"frames\"{comma}{line[1..]}\n"), halfClose: false));
        Assert.Equal(code, reply.End.Code.ToWire());
        Assert.NotEmpty(reply.End.Message!);
        Assert.Equal(
            (null, null, 0, 0),
            (reply.End.Pid is null || code == "bad-args" ? null : reply.End.Pid, reply.End.Signal, reply.Stdout.Length,
                reply.Stderr.Length));
    }

    [Fact(Timeout = Bound.Test)]
    public async Task A_line_of_64_KiB_is_accepted_and_one_byte_more_is_refused()
    {
        string request = $$"""{"job":"id","user":"{{TestUsers.Alice}}"}""";
        string longest = request.PadRight((64 * 1024) - 1) + "\n";
        Assert.StartsWith("uid=", Encoding.UTF8.GetString(await RawClient.AskAsync(daemon, Bytes(longest))));
        Assert.StartsWith("pipeforkas: too-large:", Encoding.UTF8.GetString(await RawClient.AskAsync(daemon, Bytes(" " + longest))));
    }

    [Fact(Timeout = Bound.Test)]
    public async Task The_end_of_the_input_also_ends_the_line()
    {
        string request = $$"""{"job":"id","user":"{{TestUsers.Alice}}"}""";
        Assert.StartsWith("uid=", Encoding.UTF8.GetString(await RawClient.AskAsync(daemon, Bytes(request))));
        Assert.StartsWith("pipeforkas: bad-request:", Encoding.UTF8.GetString(await RawClient.AskAsync(daemon, Bytes(request[..^1]))));
        Assert.StartsWith("pipeforkas: bad-request:", Encoding.UTF8.GetString(await RawClient.AskAsync(daemon, default)));
    }

    [Theory(Timeout = Bound.Test)]
    [InlineData("")]
    [InlineData("{\"job\":\"id\",")]
    [InlineData("{\"reply\":\"frames\",\"job\":")]
    public async Task A_silent_client_gets_a_reply_at_the_deadline_and_is_disconnected(string beginning)
    {
        var watch = Stopwatch.StartNew();
        byte[] reply = await RawClient.AskAsync(daemon, Bytes(beginning), halfClose: false);
        Assert.True(watch.Elapsed > ImpatientDaemon.Patience * 0.9, $"closed after {watch.Elapsed}");
        if (beginning.Contains("frames", StringComparison.Ordinal))
            Assert.Equal(ReplyCode.BadRequest, FramedReply.Parse(reply).End.Code);
        else
            Assert.StartsWith("pipeforkas: bad-request: no request arrived within 2 s", Encoding.UTF8.GetString(reply));
    }

    [Fact(Timeout = Bound.Test)]
    public async Task A_request_sent_byte_by_byte_has_one_deadline()
    {
        using Socket client = await RawClient.ConnectAsync(daemon);
        Task<byte[]> reply = RawClient.ReadToEndAsync(client);
        byte[] line = Bytes(new string(' ', 1000));
        for (int i = 0; i < line.Length && !reply.IsCompleted; i++)
        {
            try
            {
                await client.SendAsync(line.AsMemory(i, 1));
            }
            catch (SocketException)
            {
                break; // The daemon closed the connection, as expected.
            }

            await Task.Delay(50);
        }

        Assert.StartsWith("pipeforkas: bad-request: no request arrived", Encoding.UTF8.GetString(await reply));
    }

    [Fact(Timeout = Bound.Test)]
    public async Task Thousands_of_damaged_requests_get_replies_and_the_daemon_continues()
    {
        string[] sound =
        [
            $$"""{"job":"id","user":"{{TestUsers.Alice}}"}""" + "\n",
            $$$"""{"op":"run","job":"sum","user":"{{{TestUsers.Alice}}}","args":{"a":1,"b":-2},"env":{},"timeout":5,"reply":"frames"}"""
                + "\n",
            """{"op":"list","reply":"frames"}""" + "\n",
            """{"op":"describe","job":"sum"}""" + "\n",
        ];
        Footprint before = await Footprint.AtRestAsync(daemon);
        int[] lengths = await Crowd.ManyAsync(Mutations, atOnce: 16, async seed =>
        {
            var random = new Random(seed);
            byte[] request = Mutate(Bytes(sound[seed % sound.Length]), random);
            byte[] reply = await RawClient.AskAsync(daemon, request);
            return reply.Length;
        });

        // A job may write nothing; nearly all requests are refused.
        Assert.True(lengths.Count(length => length > 0) > Mutations * 0.99);
        await ServesOnAsync();
        await before.RestoredAsync(daemon, TimeSpan.FromSeconds(10));
    }

    private static byte[] Mutate(byte[] sound, Random random)
    {
        List<byte> bytes = [.. sound];
        for (int changes = random.Next(1, 5); changes > 0 && bytes.Count > 0; changes--)
        {
            int place = random.Next(bytes.Count);
            switch (random.Next(6))
            {
                case 0:
                    bytes[place] = (byte)random.Next(256);
                    break;
                case 1:
                    bytes.RemoveRange(place, random.Next(bytes.Count - place));
                    break;
                case 2:
                    bytes.InsertRange(place, Enumerable.Range(0, random.Next(1, 50)).Select(_ => (byte)random.Next(256)));
                    break;
                case 3:
                    bytes.InsertRange(place, bytes.GetRange(0, random.Next(bytes.Count)));
                    break;
                case 4:
                    bytes[place] ^= (byte)(1 << random.Next(8));
                    break;
                default:
                    bytes.InsertRange(place, "\"{}[]:,\\\n0e-"u8[random.Next(12)..].ToArray());
                    break;
            }
        }

        return [.. bytes];
    }

    private static string Nested(int depth) => string.Concat(Enumerable.Repeat("{\"a\":", depth)) + "1" + new string('}', depth);

    private static byte[] Bytes(string line) => Encoding.Latin1.GetBytes(line.Replace("ALICE", TestUsers.Alice, StringComparison.Ordinal));

    private async Task ServesOnAsync() =>
        Assert.Equal("3", (await RawClient.RunAsync(daemon, "sum", """{"a":1,"b":2}""")).Text.Trim()[^2..^1]);
}
