using System.Text;
using System.Text.Json;
using PipeForkAs.Protocol.Client;

namespace PipeForkAs.Protocol.Tests.Client;

public sealed class EndRecordTests
{
    [Fact]
    public void The_record_has_exactly_the_members_of_the_protocol()
    {
        var record = new EndRecord
        {
            Code = ReplyCode.Ok,
            Exit = 0,
            Job = "id",
            User = "alice",
            Uid = 1000,
            Pid = 4711,
            Stdout = 123,
            Seconds = 0.012,
            Cpu = 0.004,
            MaxResidentBytes = 5242880,
        };
        Assert.Equal(
            """{"code":"ok","exit":0,"signal":null,"message":null,"job":"id","user":"alice","uid":1000,"pid":4711"""
                + ""","stdout":123,"stderr":0,"seconds":0.012,"cpu":0.004,"maxrss":5242880,"error":null}""",
            Encoding.UTF8.GetString(record.ToJson()));
    }

    [Fact]
    public void Unknown_members_of_the_record_are_null()
    {
        Assert.Equal(
            """{"code":"bad-request","exit":null,"signal":null,"message":null,"job":null,"user":null,"uid":null,"pid":null"""
                + ""","stdout":0,"stderr":0,"seconds":0,"cpu":null,"maxrss":null,"error":null}""",
            Encoding.UTF8.GetString(new EndRecord { Code = ReplyCode.BadRequest }.ToJson()));
    }

    [Fact]
    public void A_written_record_is_read_back_unchanged()
    {
        var record = new EndRecord
        {
            Code = ReplyCode.Error,
            Exit = 1,
            Signal = 9,
            Message = "line\n\"é\"",
            Job = "x",
            User = "u",
            Uid = uint.MaxValue - 1,
            Pid = 1,
            Stdout = long.MaxValue,
            Stderr = 1,
            Seconds = 1e-9,
            Cpu = 0,
            MaxResidentBytes = 1,
            Error = new JobError("System.InvalidOperationException", "why"),
        };
        Assert.Equal(record, EndRecord.Parse(record.ToJson()));
        Assert.DoesNotContain("errno", Encoding.UTF8.GetString(record.ToJson()));

        EndRecord notExecuted = record with { Error = new JobError("execve", "why", 2) };
        Assert.Equal(notExecuted, EndRecord.Parse(notExecuted.ToJson()));
        Assert.Contains("\"errno\":2", Encoding.UTF8.GetString(notExecuted.ToJson()));
    }

    [Fact]
    public void Unknown_members_are_ignored_and_a_record_without_code_is_invalid()
    {
        Assert.Equal(ReplyCode.Failed, EndRecord.Parse("""{"code":"failed","exit":3,"new":{"a":[]}}"""u8).Code);
        Assert.Throws<JsonException>(() => EndRecord.Parse("{}"u8));
        Assert.Throws<JsonException>(() => EndRecord.Parse("null"u8));
        Assert.Throws<JsonException>(() => EndRecord.Parse("""{"code":"ok","seconds":1e999}"""u8));
        Assert.Throws<JsonException>(() => EndRecord.Parse("""{"code":"ok","cpu":-1e999}"""u8));
        Assert.All(["\"nonsense\"", "\"OK\"", "\" ok\"", "\"ok,failed\"", "\"0\"", "0", "null", "[]"], code =>
            Assert.Throws<JsonException>(() => EndRecord.Parse(Encoding.UTF8.GetBytes($$"""{"code":{{code}}}"""))));
        Assert.Throws<JsonException>(() => EndRecord.Parse(""u8));
    }

    [Fact]
    public void The_codes_are_those_of_the_protocol_in_JSON_and_in_text()
    {
        string[] codes =
        [
            "ok", "failed", "signaled", "error", "timeout", "cancelled", "output-limit", "bad-request", "too-large", "unknown-job",
                "unknown-user",
            "bad-args", "denied", "busy", "host-lost", "shutting-down", "internal",
        ];
        Assert.Equal(codes, Enum.GetValues<ReplyCode>().Select(code => code.ToWire()));
        Assert.All(codes.Zip(Enum.GetValues<ReplyCode>()), pair =>
            Assert.Equal(pair.Second, EndRecord.Parse(Encoding.UTF8.GetBytes($$"""{"code":"{{pair.First}}"}""")).Code));
        Assert.All(Enum.GetValues<ReplyCode>(), code =>
            Assert.StartsWith(
                $$"""{"code":"{{code.ToWire()}}",""", Encoding.UTF8.GetString(new EndRecord { Code = code }.ToJson()),
                StringComparison.Ordinal));
        Assert.All(Enum.GetValues<ReplyCode>(), code => Assert.Equal($"\"{code.ToWire()}\"", JsonSerializer.Serialize(code)));
        Assert.Throws<ArgumentOutOfRangeException>(() => ((ReplyCode)99).ToWire());
        Assert.Throws<JsonException>(() => new EndRecord { Code = (ReplyCode)99 }.ToJson());
    }
}
