using System.Text;
using PipeForkAs.Protocol.Client;

namespace PipeForkAs.Protocol.Tests.Client;

public sealed class RequestTests
{
    [Fact]
    public void A_request_with_all_members_is_read()
    {
        Request request = Parse(
            """{"op":"run","job":"id","user":"alice","args":{"a":[1,"""
            + """{"b":null}]},"env":{"LANG":"C","EMPTY":""},"timeout":1.5,"reply":"frames"}""");

        Assert.Equal(
            (Operation.Run, "id", "alice", 1.5, ReplyForm.Frames),
            (request.Operation, request.Job, request.User, request.Timeout, request.Reply));
        Assert.Equal("""{"a":[1,{"b":null}]}""", Encoding.UTF8.GetString(request.Arguments!));
        Assert.Equal([new("LANG", "C"), new("EMPTY", "")], request.Environment!);
    }

    [Fact]
    public void Omitted_members_have_their_defaults()
    {
        Request request = Parse("""{"job":"id"}""");
        Assert.Equal((Operation.Run, "id", ReplyForm.Text), (request.Operation, request.Job, request.Reply));
        Assert.Equal((null, null, null, null), (request.User, request.Arguments, request.Environment, request.Timeout));
    }

    [Theory]
    [InlineData("""{"op":"run","job":"a"}""", Operation.Run)]
    [InlineData("""{"op":"list"}""", Operation.List)]
    [InlineData("""{"op":"describe","job":"a"}""", Operation.Describe)]
    [InlineData("""{"op":"check","job":"a"}""", Operation.Check)]
    [InlineData("""{"op":"status"}""", Operation.Status)]
    [InlineData("""{"op":"cancel","id":1}""", Operation.Cancel)]
    [InlineData("""{"op":"reload"}""", Operation.Reload)]
    public void Each_operation_is_read(string json, Operation expected) => Assert.Equal(expected, Parse(json).Operation);

    [Theory]
    [InlineData("  { \"job\" : \"id\" }  \r")]
    [InlineData("{\"\\u006aob\":\"\\u0069d\"}")]
    [InlineData("{\n\"job\":\"id\"}")]
    public void White_space_and_escapes_do_not_change_a_request(string json) => Assert.Equal("id", Parse(json).Job);

    [Theory]
    [InlineData("")]
    [InlineData("   ")]
    [InlineData("hello")]
    [InlineData("null")]
    [InlineData("[]")]
    [InlineData("""[{"job":"id"}]""")]
    [InlineData("\"id\"")]
    [InlineData("42")]
    [InlineData("{")]
    [InlineData("""{"job":"id" """)]
    [InlineData("""{"job":"id"}}""")]
    [InlineData("""{"job":"id"} x""")]
    [InlineData("""{"job":"id"}{"job":"id"}""")]
    [InlineData("""{"job":"id",}""")]
    [InlineData("""{'job':'id'}""")]
    [InlineData("""{"job":"id"/**/}""")]
    [InlineData("{\"job\":\"id\"}\0")]
    [InlineData("\uFEFF{\"job\":\"id\"}")]
    public void Anything_other_than_one_JSON_object_is_refused(string json) => Refused(json);

    [Theory]
    [InlineData("""{"job":"id","usr":"alice"}""")]
    [InlineData("""{"job":"id","User":"alice"}""")]
    [InlineData("""{"Job":"id"}""")]
    [InlineData("""{"job":"id","":1}""")]
    [InlineData("""{"job":"id","$type":"x"}""")]
    [InlineData("""{"job":"id","Arguments":{}}""")]
    public void Unknown_members_are_refused(string json) => Refused(json);

    [Theory]
    [InlineData("""{"job":"id","job":"id"}""")]
    [InlineData("""{"job":"id","user":"alice","user":"bob"}""")]
    [InlineData("""{"job":"id","\u006aob":"other"}""")]
    [InlineData("""{"job":"id","args":{"a":1,"a":2}}""")]
    [InlineData("""{"job":"id","args":{"a":1,"\u0061":2}}""")]
    [InlineData("""{"job":"id","args":{"x":[0,{"deep":{"a":1,"a":2}}]}}""")]
    [InlineData("""{"job":"id","args":{},"args":{}}""")]
    [InlineData("""{"job":"id","env":{"A":"1","A":"2"}}""")]
    [InlineData("""{"job":"id","env":{"A":"1","\u0041":"2"}}""")]
    [InlineData("""{"job":"id","timeout":1,"timeout":1}""")]
    [InlineData("""{"job":"id","reply":"text","reply":"frames"}""")]
    [InlineData("""{"job":"id","op":"run","op":"list"}""")]
    public void Duplicate_members_are_refused_at_every_depth(string json) => Refused(json);

    [Theory]
    [InlineData("""{"job":1}""")]
    [InlineData("""{"job":["id"]}""")]
    [InlineData("""{"job":{"name":"id"}}""")]
    [InlineData("""{"job":true}""")]
    [InlineData("""{"job":"id","user":true}""")]
    [InlineData("""{"job":"id","user":["alice"]}""")]
    [InlineData("""{"job":"id","user":{"name":"alice"}}""")]
    [InlineData("""{"job":"id","user":1.5}""")]
    [InlineData("""{"job":"id","user":1e3}""")]
    [InlineData("""{"job":"id","args":[]}""")]
    [InlineData("""{"job":"id","args":"{}"}""")]
    [InlineData("""{"job":"id","args":1}""")]
    [InlineData("""{"job":"id","env":[]}""")]
    [InlineData("""{"job":"id","env":"A=1"}""")]
    [InlineData("""{"job":"id","env":{"A":1}}""")]
    [InlineData("""{"job":"id","env":{"A":{}}}""")]
    [InlineData("""{"job":"id","timeout":"5"}""")]
    [InlineData("""{"job":"id","timeout":true}""")]
    [InlineData("""{"job":"id","timeout":[5]}""")]
    [InlineData("""{"job":"id","reply":1}""")]
    [InlineData("""{"job":"id","reply":true}""")]
    [InlineData("""{"job":"id","op":0}""")]
    [InlineData("""{"job":"id","op":1}""")]
    [InlineData("""{"job":"id","op":["run"]}""")]
    public void Wrong_types_are_refused(string json) => Refused(json);

    [Theory]
    [InlineData("""{"job":null}""")]
    [InlineData("""{"job":"id","user":null}""")]
    [InlineData("""{"job":"id","args":null}""")]
    [InlineData("""{"job":"id","env":null}""")]
    [InlineData("""{"job":"id","env":{"A":null}}""")]
    [InlineData("""{"job":"id","timeout":null}""")]
    [InlineData("""{"job":"id","reply":null}""")]
    [InlineData("""{"job":"id","op":null}""")]
    public void Null_is_refused_and_never_means_the_default(string json) => Refused(json);

    [Theory]
    [InlineData("""{"job":"id","op":"RUN"}""")]
    [InlineData("""{"job":"id","op":" run"}""")]
    [InlineData("""{"job":"id","op":"run,list"}""")]
    [InlineData("""{"job":"id","op":"1"}""")]
    [InlineData("""{"job":"id","op":"delete"}""")]
    [InlineData("""{"job":"id","op":""}""")]
    [InlineData("""{"job":"id","reply":"Frames"}""")]
    [InlineData("""{"job":"id","reply":"text, frames"}""")]
    [InlineData("""{"job":"id","reply":"0"}""")]
    [InlineData("""{"job":"id","reply":"html"}""")]
    public void Words_of_the_protocol_are_case_sensitive(string json) => Refused(json);

    [Theory]
    [InlineData("{}")]
    [InlineData("""{"op":"run"}""")]
    [InlineData("""{"op":"describe"}""")]
    [InlineData("""{"job":""}""")]
    [InlineData("""{"job":"../etc"}""")]
    [InlineData("""{"job":".hidden"}""")]
    [InlineData("""{"job":"a b"}""")]
    [InlineData("""{"job":"é"}""")]
    [InlineData("""{"job":"id\u0000"}""")]
    [InlineData("""{"job":"id\n"}""")]
    public void A_request_to_run_or_describe_needs_a_valid_job_name(string json) => Refused(json);

    [Theory]
    [InlineData("""{"op":"cancel"}""")]
    [InlineData("""{"op":"cancel","job":"id"}""")]
    [InlineData("""{"op":"cancel","id":0}""")]
    [InlineData("""{"op":"cancel","id":-1}""")]
    [InlineData("""{"op":"cancel","id":1.5}""")]
    [InlineData("""{"op":"cancel","id":"1"}""")]
    [InlineData("""{"op":"cancel","id":null}""")]
    [InlineData("""{"op":"cancel","id":[1]}""")]
    [InlineData("""{"op":"cancel","id":9223372036854775808}""")]
    [InlineData("""{"op":"cancel","id":1,"id":2}""")]
    [InlineData("""{"job":"id","id":1}""")]
    [InlineData("""{"op":"status","id":1}""")]
    public void Cancel_needs_an_id_and_no_other_operation_accepts_one(string json) => Refused(json);

    [Theory]
    [InlineData("5", 5)]
    [InlineData("0.001", 0.001)]
    [InlineData("1e3", 1000)]
    public void A_timeout_is_a_number_of_seconds(string json, double expected) =>
        Assert.Equal(expected, Parse($$"""{"job":"id","timeout":{{json}}}""").Timeout);

    [Theory]
    [InlineData("0")]
    [InlineData("-0")]
    [InlineData("-1")]
    [InlineData("1e999")]
    [InlineData("-1e999")]
    [InlineData("1e-999")]
    [InlineData("NaN")]
    [InlineData("Infinity")]
    [InlineData("\"NaN\"")]
    [InlineData("\"Infinity\"")]
    [InlineData("+1")]
    [InlineData("0x10")]
    public void A_timeout_that_is_not_positive_and_finite_is_refused(string json) => Refused($$"""{"job":"id","timeout":{{json}}}""");

    [Theory]
    [InlineData("""{"":"1"}""")]
    [InlineData("""{"1A":"1"}""")]
    [InlineData("""{"A=B":"1"}""")]
    [InlineData("""{"A B":"1"}""")]
    [InlineData("""{"A\u0000":"1"}""")]
    [InlineData("""{"A":"1\u0000"}""")]
    public void Variables_with_a_bad_name_or_a_NUL_are_refused(string json) => Refused($$"""{"job":"id","env":{{json}}}""");

    [Fact]
    public void Too_many_members_or_values_are_refused()
    {
        static string Members(int count, string of = "args") =>
            $"{{\"job\":\"id\",\"{of}\":{{{string.Join(',', Enumerable.Range(0, count).Select(i => $"\"A{i}\":\"\""))}}}}}";
        static string Array(string element, int count) =>
            $"{{\"job\":\"id\",\"args\":{{\"a\":[[{string.Join(',', Enumerable.Repeat(element, count))}]]}}}}";

        // Two members belong to the request.
        Assert.NotNull(Parse(Members(ClientProtocol.MaxMembers - 2)).Arguments);
        Assert.Equal(ClientProtocol.MaxMembers - 2, Parse(Members(ClientProtocol.MaxMembers - 2, "env")).Environment!.Count);
        Assert.Contains("1024 members", Refused(Members(ClientProtocol.MaxMembers - 1)).Message, StringComparison.Ordinal);
        Assert.Contains("1024 members", Refused(Members(ClientProtocol.MaxMembers - 1, "env")).Message, StringComparison.Ordinal);
        string nested = Array("{\"a\":{\"b\":0}}", ClientProtocol.MaxMembers / 2);
        Assert.Contains("1024 members", Refused(nested).Message, StringComparison.Ordinal);

        // Five values are the request itself, the job, args, and two arrays.
        Assert.NotNull(Parse(Array("0", ClientProtocol.MaxValues - 5)).Arguments);
        Assert.Contains("8192 values", Refused(Array("0", ClientProtocol.MaxValues - 4)).Message, StringComparison.Ordinal);

        // A client refuses them before they are sent.
        Request many = new() { Job = "id", Arguments = Parse(Members(ClientProtocol.MaxMembers - 2)).Arguments, User = "alice" };
        Assert.ThrowsAny<RequestException>(many.ToLine);
    }

    [Fact]
    public void Nesting_is_limited()
    {
        static string Nested(int depth) =>
            $$"""{"job":"id","args":{{string.Concat(Enumerable.Repeat("{\"a\":", depth))}}1{{new string('}', depth)}}}""";

        Assert.NotNull(Parse(Nested(ClientProtocol.MaxDepth - 1)).Arguments);
        Refused(Nested(ClientProtocol.MaxDepth));
        Refused(Nested(5000));
        Refused("{\"job\":\"id\",\"args\":{\"a\":" + new string('[', 30_000));
    }

    [Theory]
    [InlineData("{\"job\":\"id\",\"user\":\"", "\"}")]
    [InlineData("{\"job\":\"", "\"}")]
    [InlineData("{\"job\":\"id\",\"args\":{\"a\":\"", "\"}}")]
    [InlineData("{\"job\":\"id\",\"args\":{\"", "\":1}}")]
    [InlineData("{\"job\":\"id\",\"env\":{\"A\":\"", "\"}}")]
    [InlineData("{\"job\":\"id\",\"", "\":1}")]
    [InlineData("{\"job\":\"id\",\"op\":\"", "\"}")]
    public void Invalid_UTF8_and_lone_surrogates_are_refused_everywhere(string before, string after)
    {
        byte[][] bad = [
            [0xFF], [0xC0, 0x80], [0xED, 0xA0, 0x80], [0xF4, 0x90, 0x80, 0x80], [0xC3], "\\ud800"u8.ToArray(), "\\udc00"u8.ToArray(),
                "\\ud800\\u0041"u8.ToArray()];
        byte[] start = Encoding.ASCII.GetBytes(before), end = Encoding.ASCII.GetBytes(after);
        Assert.All(bad, bytes => Assert.ThrowsAny<RequestException>(() => Request.Parse([.. start, .. bytes, .. end])));
    }

    [Fact]
    public void A_refusal_is_one_short_line_and_names_no_type_of_the_daemon()
    {
        RequestException failure = Refused($$"""{"job":"id","a\nb\u001b{{new string('x', 60_000)}}":1}""");
        Assert.DoesNotContain(failure.Message, char.IsControl);
        Assert.InRange(failure.Message.Length, 10, 600);
        Assert.DoesNotContain("PipeForkAs.", Refused("""{"job":"id","usr":1}""").Message, StringComparison.Ordinal);
        Assert.Contains("usr", Refused("""{"job":"id","usr":1}""").Message, StringComparison.Ordinal);
        Assert.DoesNotContain("System.", Refused("""{"job":1}""").Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("", 1, "it ends too early")]
    [InlineData("hello", 1, "hello is not expected here")]
    [InlineData("[]", 1, "it must be a JSON object on one line")]
    [InlineData("null", 1, "it must be a JSON object on one line")]
    [InlineData("""{"job":"id" """, 13, "it ends too early")]
    [InlineData("""{"job":"id","user":"al""", 23, "it ends too early")]
    [InlineData("""{"job":"id",}""", 13, "} is not expected here")]
    [InlineData("""{"job":"id"} x""", 14, "x is not expected here")]
    [InlineData("""{"job":"id"}{"job":"id"}""", 13, "{\"job\":\"id\"} is not expected here")]
    [InlineData("{\n\"job\": x}", 10, "x} is not expected here")]
    [InlineData("{\"job\":\"i\td\"}", 10, "d\"} is not expected here")]
    [InlineData("""{"job":"id","usr":1}""", 13, "\"usr\" is not a member of a request")]
    [InlineData("""{"job":"id","job":"id"}""", 13, "\"job\" is duplicate")]
    [InlineData("""{"job":"id","\u006aob":"id"}""", 13, "\"job\" is duplicate")]
    [InlineData("""{"job":"id","user":null}""", 20, "\"user\" is null; remove it to use the default")]
    [InlineData("""{"job":1}""", 8, "\"job\" must be a string")]
    [InlineData("""{"job":"id","user":1.5}""", 20, "\"user\" must be a user name")]
    [InlineData("""{"op":"cancel","id":1.5}""", 21, "\"id\" must be a whole number")]
    [InlineData("""{"job":"id","timeout":"5"}""", 23, "\"timeout\" must be a number of seconds")]
    [InlineData("""{"job":"id","args":[]}""", 20, "\"args\" must be a JSON object")]
    [InlineData("""{"job":"id","args":{"a":1,"a":2}}""", 27, "\"a\" is duplicate in an object")]
    [InlineData("""{"job":"id","env":"A=1"}""", 19, "\"env\" must be an object of strings")]
    [InlineData("""{"job":"id","env":{"A":1}}""", 24, "the value of a variable in \"env\" must be a string")]
    [InlineData("""{"job":"id","env":{"A":"1","\u0041":"2"}}""", 28, "\"A\" is duplicate in \"env\"")]
    [InlineData("""{"job":"id","args":{"x":[0,{"a":1,"\u0061":2}]}}""", 35, "\"a\" is duplicate in an object")]
    [InlineData("""{"job":"id","op":"RUN"}""", 18, "\"op\" must be one of \"run\", \"list\"")]
    [InlineData("""{"job":"id","reply":1}""", 21, "\"reply\" must be one of \"text\", \"frames\"")]
    [InlineData("""{"job":"id","user":"\ud800"}""", 20, "text that is not valid Unicode")]
    [InlineData("""{"job":"id","args":{"\udc00":1}}""", 21, "text that is not valid Unicode")]
    public void A_JSON_fault_is_reported_with_its_position_in_our_own_words(string json, long position, string problem)
    {
        RequestJsonException refused = Assert.IsType<RequestJsonException>(Refused(json));
        Assert.StartsWith(problem, refused.Problem, StringComparison.Ordinal);
        Assert.Equal(position, refused.Position);
        Assert.Equal($"not a valid request, at byte {position}: {refused.Problem}", refused.Message);
    }

    [Fact]
    public void Too_deep_nesting_is_reported_as_such()
    {
        string json = "{\"job\":\"id\",\"args\":{\"a\":" + new string('[', ClientProtocol.MaxDepth);
        RequestJsonException refused = Assert.IsType<RequestJsonException>(Refused(json));
        Assert.Equal($"objects and arrays are nested more than {ClientProtocol.MaxDepth} levels deep", refused.Problem);
    }

    /// <summary>They name its types, its options, and its own coordinates.</summary>
    [Fact]
    public void No_message_of_the_framework_reaches_a_client()
    {
        string[] lines =
        [
            "{", "x", "[]", "{\"job\":}", "{\"job\":\"a\",}", "{\"job\":1}", "{\"job\":\"a\"}}", "{\"op\":7}",
            "{\"job\":\"a\",\"args\":{\"b\":1,\"b\":2}}", "{\"job\":\"a\",\"timeout\":[]}",
            "{\"job\":\"a\",\"x\":1}", "{\"job\":\"a\nb\"}", "{\"job\":tru}", "{\"job\":01}", "{'a':1}",
        ];
        Assert.All(lines, line =>
        {
            string message = Refused(line).Message;
            Assert.DoesNotContain("LineNumber", message, StringComparison.Ordinal);
            Assert.DoesNotContain("BytePosition", message, StringComparison.Ordinal);
            Assert.DoesNotContain("Path: ", message, StringComparison.Ordinal);
            Assert.DoesNotContain("JsonReaderOptions", message, StringComparison.Ordinal);
            Assert.DoesNotContain("could not be converted", message, StringComparison.Ordinal);
        });
    }

    private static Request Parse(string json) => Request.Parse(Encoding.UTF8.GetBytes(json));

    private static RequestException Refused(string json) => Assert.ThrowsAny<RequestException>(() => Parse(json));
}
