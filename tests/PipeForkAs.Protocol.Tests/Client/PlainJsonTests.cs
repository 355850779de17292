using System.Text;
using System.Text.Json;
using PipeForkAs.Protocol.Client;

namespace PipeForkAs.Protocol.Tests.Client;

/// <summary>What is written and read without the serializer is what the serializer writes and reads.</summary>
public sealed class PlainJsonTests
{
    private const string Letters = "abcXYZ019 !#$%()*,-./:;=?@[]^_{|}~\"\\&'<>+`\u007f\u00e4\n\0\u20ac\ud83d\ude00";

    private static readonly string[] Values =
    [
        "\"ok\"", "\"failed\"", "\"o\\u006b\"", "\"OK\"", "\"timeout\"", "\"\"", "0", "1", "-1", "255", "256", "1.0", "1e2", "1e999",
        "0.25", "2147483648", "9223372036854775808", "4294967295", "true", "null", "\"text\"", "\"\\ud800\"", "\"gr\u00fcn\\n\"",
        "{}", "[]", "[1]",
        "{\"type\":\"E\",\"message\":\"m\"}", "\"1\"",
    ];

    private static readonly string[] Names =
    [
        "code", "exit", "signal", "message", "job", "user", "uid", "pid", "stdout", "stderr", "seconds", "cpu", "maxrss", "error", "Code",
        "c\\u006fde", "new", "",
    ];

    [Fact]
    public void A_request_is_the_line_that_the_serializer_writes()
    {
        int plain = 0;
        for (int seed = 0; seed < 20_000; seed++)
        {
            var random = new Random(seed);
            Request request = Request(random);
            if (!PlainJson.TryWriteLine(request, out byte[] line))
                continue;

            plain++;
            byte[] expected = [.. JsonSerializer.SerializeToUtf8Bytes(request, RequestJson.Default.Request), (byte)'\n'];
            Assert.Equal((seed, Encoding.UTF8.GetString(expected)), (seed, Encoding.UTF8.GetString(line)));
        }

        Assert.True(plain > 1_000, $"only {plain} requests were written");
    }

    [Fact]
    public void The_usual_requests_are_written_without_the_serializer()
    {
        Assert.True(PlainJson.TryWriteLine(new Request { Job = "id", Reply = ReplyForm.Frames }, out byte[] line));
        Assert.Equal("{\"job\":\"id\",\"reply\":\"frames\"}\n", Encoding.UTF8.GetString(line));
        Assert.True(PlainJson.TryWriteLine(
            new Request { Job = "id", User = "alice", Timeout = 2.5, Environment = new() { ["LANG"] = "C.UTF-8" } }, out _));
        Assert.True(PlainJson.TryWriteLine(new Request { Operation = Operation.Describe, Job = "read-file" }, out _));
    }

    [Fact]
    public void No_member_of_a_request_is_lost()
    {
        Request plain = new() { Job = "id" };
        var members = new Dictionary<string, Request>
        {
            [nameof(plain.Operation)] = plain with { Operation = Operation.Check },
            [nameof(plain.Job)] = plain with { Job = "other" },
            [nameof(plain.User)] = plain with { User = "alice" },
            [nameof(plain.Caller)] = plain with { Caller = "bob" },
            [nameof(plain.Id)] = plain with { Id = 7 },
            [nameof(plain.Arguments)] = plain with { Arguments = "{}"u8.ToArray() },
            [nameof(plain.Environment)] = plain with { Environment = new() { ["A"] = "b" } },
            [nameof(plain.Ticket)] = plain with { Ticket = new string('t', TicketText.Length) },
            [nameof(plain.Timeout)] = plain with { Timeout = 2 },
            [nameof(plain.TraceParent)] = plain with { TraceParent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01" },
            [nameof(plain.TraceState)] = plain with { TraceState = "congo=t61rcWkgMzE" },
            [nameof(plain.Reply)] = plain with { Reply = ReplyForm.Frames },
        };
        Assert.Equal(typeof(Request).GetProperties().Select(member => member.Name).Order(), members.Keys.Order());
        foreach ((string name, Request request) in members)
        {
            if (PlainJson.TryWriteLine(request, out byte[] line))
            {
                string expected = JsonSerializer.Serialize(request, RequestJson.Default.Request) + "\n";
                Assert.Equal((name, expected), (name, Encoding.UTF8.GetString(line)));
            }
        }
    }

    [Fact]
    public void A_request_that_is_too_long_for_the_buffer_is_left_to_the_serializer()
    {
        Request request = new() { Job = "id", Environment = new() { ["A"] = new string('x', 5000) } };
        Assert.False(PlainJson.TryWriteLine(request, out _));
        Assert.Equal(5000, PipeForkAs.Protocol.Client.Request.Parse(request.ToLine().AsSpan()[..^1]).Environment!["A"].Length);
    }

    [Fact]
    public void An_end_record_is_what_the_serializer_reads_or_is_left_to_it()
    {
        int plain = 0;
        for (int seed = 0; seed < 60_000; seed++)
        {
            var random = new Random(seed);
            byte[] json = End(random);
            if (PlainJson.ReadEnd(json) is not { } read)
                continue;

            plain++;
            Assert.Equal(
                (seed, JsonSerializer.Deserialize(json, EndRecordJson.Default.EndRecord)), (seed, read));
        }

        Assert.True(plain > 1_000, $"only {plain} end records were read");
    }

    [Fact]
    public void The_usual_end_records_are_read_without_the_serializer()
    {
        EndRecord ok = new()
        {
            Code = ReplyCode.Ok,
            Exit = 0,
            Job = "id",
            User = "alice",
            Uid = 1001,
            Pid = 4711,
            Stdout = 42,
            Seconds = 0.00042,
            Cpu = 0.0002,
            MaxResidentBytes = 4096,
        };
        foreach (EndRecord end in new[] { ok, ok with { Code = ReplyCode.Denied, Exit = null, Message = "the policy \u2026 \n" } })
            Assert.Equal(end, PlainJson.ReadEnd(end.ToJson()));
    }

    private static Request Request(Random random) => new()
    {
        Operation = (Operation)random.Next(7),
        Job = random.Next(4) == 0 ? null : Text(random),
        User = random.Next(2) == 0 ? null : Text(random),
        Caller = random.Next(9) == 0 ? "root" : null,
        Id = random.Next(9) == 0 ? 7 : null,
        Environment = random.Next(2) == 0 ? null
            : Enumerable.Range(0, random.Next(3)).ToDictionary(i => $"V{i}{(random.Next(4) == 0 ? "\u00fc" : "")}", _ => Text(random)),
        Timeout = random.Next(3) switch
        {
            0 => null,
            1 => random.Next(1, 1000) / 8.0,
            _ => Math.Abs(BitConverter.Int64BitsToDouble(random.NextInt64())) is var any && double.IsFinite(any) ? any : 1,
        },
        Reply = (ReplyForm)random.Next(2),
    };

    private static string Text(Random random)
    {
        int most = random.Next(3) == 0 ? Letters.Length : 34;
        return string.Concat(Enumerable.Range(0, random.Next(9)).Select(_ => Letters[random.Next(most)]));
    }

    /// <summary>Members with mostly fitting values, in any order, also twice; now and then something that is not JSON.</summary>
    private static byte[] End(Random random)
    {
        var members = new List<string>();
        if (random.Next(5) > 0)
            members.Add("\"code\":\"ok\"");
        int count = random.Next(8);
        for (int i = 0; i < count; i++)
        {
            string name = Names[random.Next(Names.Length)];
            string value = random.Next(3) > 0 ? Fitting(name, random) : Values[random.Next(Values.Length)];
            members.Insert(random.Next(members.Count + 1), $"\"{name}\":{value}");
        }

        byte[] json = Encoding.UTF8.GetBytes($"{{{string.Join(random.Next(9) == 0 ? " , " : ",", members)}}}");
        switch (random.Next(12))
        {
            case 0:
                json[random.Next(json.Length)] = (byte)random.Next(256);
                return json;
            case 1:
                return json[..random.Next(json.Length)];
            case 2:
                return [.. json, .. " {}"u8];
            default:
                return json;
        }
    }

    private static string Fitting(string name, Random random) => name switch
    {
        "code" or "Code" => "\"failed\"",
        "message" or "job" or "user" => random.Next(3) == 0 ? "null" : "\"some \\\"text\\u20ac\"",
        "error" => random.Next(3) == 0 ? "{\"type\":\"E\",\"message\":\"m\"}" : "null",
        "exit" or "signal" or "uid" or "pid" or "maxrss" => random.Next(3) == 0 ? "null" : $"{random.Next(300)}",
        "seconds" or "cpu" => "0.0125",
        _ => $"{random.Next(1000)}",
    };
}
