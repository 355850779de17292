using System.Text;
using System.Text.Json;
using FsCheck;
using FsCheck.Fluent;
using PipeForkAs.Protocol.Client;

namespace PipeForkAs.Protocol.Tests.Client;

public sealed class RequestLineTests
{
    private static readonly Gen<string> Users = Gen.OneOf(
        Generate.UInt32.Where(uid => uid != uint.MaxValue).Select(uid => uid.ToString()),
        Generate.VariableName.Where(name => !char.IsAsciiDigit(name[0])),
        Gen.Elements("josé", "alice@example.org", "DOMAIN\\alice", "\U0001F9D1"));

    private static readonly Gen<string> Tickets =
        Gen.Elements("Az09-_".ToCharArray()).ListOf(TicketText.Length).Select(letters => string.Concat(letters));

    private static readonly Gen<Request> Requests =
        from operation in Gen.Elements(Enum.GetValues<Operation>())
        from job in Generate.JobName
        from id in Generate.Positive64.Where(id => id > 0)
        from user in Generate.OrNull(Users)
        from ticket in Generate.OrNull(Tickets)
        from needed in Tickets
        from arguments in Generate.OrNull(Generate.JsonObject)
        from names in Generate.VariableName.ListOf()
        from values in Generate.TextWithoutNul.ListOf(names.Count)
        from hasTimeout in Generate.Bool
        from timeout in Generate.Positive64.Select(bits => BitConverter.Int64BitsToDouble(bits)).Where(
            seconds => seconds > 0 && double.IsFinite(seconds))
        from reply in Gen.Elements(Enum.GetValues<ReplyForm>())
        select new Request
        {
            Operation = operation,
            Job = job,
            Id = operation == Operation.Cancel ? id : null,
            User = operation == Operation.SignIn ? "alice" : user,
            Ticket = operation switch
            {
                Operation.SignOut => needed,
                Operation.Run or Operation.Check => ticket,
                _ => null,
            },
            Arguments = arguments is null ? null : Encoding.UTF8.GetBytes(arguments),
            Environment = names.Count == 0
                ? null
                : names.Zip(values).DistinctBy(pair => pair.First).ToDictionary(pair => pair.First, pair => pair.Second),
            Timeout = hasTimeout ? timeout : null,
            Reply = reply,
        };

    [Fact]
    public void A_request_line_is_read_back_as_the_same_request() => Properties.Holds(Requests, request =>
    {
        byte[] line = request.ToLine();
        Assert.Equal(line.Length - 1, line.AsSpan().IndexOf((byte)'\n'));

        Request read = Request.Parse(line.AsSpan(0, line.Length - 1));

        Assert.Equal(
            (request.Operation, request.Job, request.Id, request.User, request.Ticket, request.Timeout, request.Reply),
            (read.Operation, read.Job, read.Id, read.User, read.Ticket, read.Timeout, read.Reply));
        Assert.Equal(request.Environment, read.Environment);
        Assert.Equal(request.Arguments is null, read.Arguments is null);
        if (request.Arguments is not null)
            Assert.True(JsonElement.DeepEquals(Element(request.Arguments), Element(read.Arguments!)));
    });

    [Theory]
    [InlineData("\\ud800")]
    [InlineData("\xff")]
    public void Arguments_that_are_not_Unicode_are_refused_and_not_changed(string half)
    {
        byte[] name = Encoding.Latin1.GetBytes($$"""{"a{{half}}":1,"b":2}"""), value = Encoding.Latin1.GetBytes($$"""{"a":["{{half}}"]}""");
        foreach (byte[] arguments in new[] { name, value })
        {
            var request = new Request { Job = "id", Arguments = arguments };
            Assert.Contains("Unicode", Assert.ThrowsAny<RequestException>(request.ToLine).Message);
        }
    }

    [Theory]
    [InlineData('\n')]
    [InlineData('\u001b')]
    [InlineData('\u0085')]
    [InlineData('\u2028')]
    [InlineData('\u2029')]
    [InlineData('\u202e')]
    public void A_reason_contains_no_line_end_and_no_reordering_character(char hostile)
    {
        string line = JsonSerializer.Serialize(new Dictionary<string, string> { [$"a{hostile}b"] = "" });
        RequestException refused = Assert.ThrowsAny<RequestException>(() => Request.Parse(Encoding.UTF8.GetBytes(line)));
        string shown = hostile == '\n' ? "\\n" : $"\\u{(int)hostile:x4}";
        Assert.EndsWith($": \"a{shown}b\" is not a member of a request", refused.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Damaged_lines_are_read_or_refused_with_a_reason()
    {
        byte[][] lines =
        [
            [
                .. """{"op":"run","job":"id","user":"alice","args":{"a":[1,{"b":null}],"\u0061b":"\n"}"""u8,
                .. ""","env":{"LANG":"C","E":""},"timeout":1.5,"reply":"frames"}"""u8,
            ],
            """{"job":"id","user":1000,"args":{"é":"\ud83d\ude00"}}"""u8.ToArray(),
            """{"op":"list"}"""u8.ToArray(),
            """{"op":"cancel","id":4711}"""u8.ToArray(),
        ];
        var mutation = new Mutation(seed: 20260101);
        int read = 0, refused = 0;
        for (int i = 0; i < 100_000; i++)
        {
            byte[] damaged = mutation.Of(lines[i % lines.Length]);
            try
            {
                Request.Parse(damaged);
                read++;
            }
            catch (RequestException)
            {
                refused++;
            }
        }

        Assert.InRange(read, 100, refused);
    }

    [Fact]
    public void A_line_has_at_most_64_KiB_including_its_end()
    {
        const string frame = "{\"job\":\"a\",\"args\":{\"a\":\"\"}}\n";
        static Request Sized(int size) =>
            new() { Job = "a", Arguments = Encoding.ASCII.GetBytes($"{{\"a\":\"{new string('x', size - frame.Length)}\"}}") };

        Assert.Equal(ClientProtocol.MaxRequestBytes, Sized(ClientProtocol.MaxRequestBytes).ToLine().Length);
        Assert.ThrowsAny<RequestException>(() => Sized(ClientProtocol.MaxRequestBytes + 1).ToLine());
    }

    [Theory]
    [InlineData("")]
    [InlineData("[]")]
    [InlineData("1")]
    [InlineData("null")]
    [InlineData("{")]
    [InlineData("{},\"user\":\"root\"")]
    [InlineData("{} {}")]
    [InlineData("""{"a":1,"a":2}""")]
    [InlineData("""{"a":"\ud800"}""")]
    public void Arguments_that_are_not_an_object_are_not_sent(string arguments) =>
        Assert.ThrowsAny<RequestException>(() => new Request { Job = "id", Arguments = Encoding.UTF8.GetBytes(arguments) }.ToLine());

    [Fact]
    public void A_request_that_Parse_refuses_is_not_sent()
    {
        Request[] bad =
        [
            new(), new() { Job = "../x" }, new() { Operation = Operation.List, Job = "../x" }, new() { Operation = Operation.Describe },
            new() { Operation = Operation.Cancel }, new() { Operation = Operation.Cancel, Id = 0 }, new() { Job = "id", Id = 1 },
            new() { Job = "id", User = "" }, new() { Job = "id", User = "4294967295" }, new() { Job = "id", User = "\uD800" },
            new() { Job = "id", Timeout = 0 }, new() { Job = "id", Timeout = -1 }, new() { Job = "id", Timeout = double.NaN },
            new() { Job = "id", Timeout = double.PositiveInfinity },
            new() { Job = "id", Environment = new() { ["A B"] = "" } }, new() { Job = "id", Environment = new() { ["A"] = "\0" } },
            new() { Job = "id", Environment = new() { ["A"] = "\uDC00" } }, new() { Job = "id", Environment = new() { ["A"] = null! } },
        ];
        Assert.All(bad, request => Assert.ThrowsAny<RequestException>(request.ToLine));
    }

    [Fact]
    public void Arguments_are_sent_without_white_space_and_otherwise_unchanged()
    {
        var request = new Request { Job = "a", Arguments = Encoding.UTF8.GetBytes("{ \"имя\" :\n\"Боб + 漢 \U0001F9D1 < \" }") };
        Assert.Equal("{\"job\":\"a\",\"args\":{\"имя\":\"Боб + 漢 \\uD83E\\uDDD1 < \"}}\n", Encoding.UTF8.GetString(request.ToLine()));
    }

    private static JsonElement Element(byte[] json)
    {
        using JsonDocument document = JsonDocument.Parse(json);
        return document.RootElement.Clone();
    }
}
