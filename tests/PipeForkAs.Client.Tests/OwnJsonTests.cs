using System.Text.Json;
using System.Text.Json.Serialization;

using PipeForkAs.Protocol.Client;

namespace PipeForkAs.Client.Tests;

/// <summary>
/// Tests that a program can store results in its own JSON, with a serializer that was generated there and sees nothing internal.
/// </summary>
public partial class OwnJsonTests
{
    [Fact]
    public void A_result_can_be_part_of_the_JSON_of_a_program()
    {
        Kept kept = new("nightly", new JobResult { Code = ReplyCode.BadArguments, Job = "echo" }, ReplyCode.HostLost);
        string json = JsonSerializer.Serialize(kept, OwnJson.Default.Kept);
        Assert.StartsWith("""{"Name":"nightly","End":{"Code":"bad-args",""", json, StringComparison.Ordinal);
        Assert.EndsWith(""","Last":"host-lost"}""", json, StringComparison.Ordinal);
        Assert.Equal(kept, JsonSerializer.Deserialize(json, OwnJson.Default.Kept));
    }

    [Fact]
    public void Reply_codes_can_be_keys_in_the_JSON_of_a_program()
    {
        Dictionary<ReplyCode, int> counts = new() { [ReplyCode.Ok] = 7, [ReplyCode.OutputLimit] = 1 };
        string json = JsonSerializer.Serialize(counts, OwnJson.Default.DictionaryReplyCodeInt32);
        Assert.Equal("""{"ok":7,"output-limit":1}""", json);
        Assert.Equal(counts, JsonSerializer.Deserialize(json, OwnJson.Default.DictionaryReplyCodeInt32));
        Assert.Throws<JsonException>(() => JsonSerializer.Deserialize("""{"Ok":7}""", OwnJson.Default.DictionaryReplyCodeInt32));
    }

    [Fact]
    public void Requests_can_be_part_of_the_JSON_of_a_program()
    {
        Request[] queue =
        [
            new() { Job = "echo", User = "1001", Arguments = """{"text":"ж"}"""u8.ToArray(), Environment = new() { ["LANG"] = "C" },
                Timeout = 2.5, Reply = ReplyForm.Frames },
            new() { Operation = Operation.Cancel, Id = 7 },
            new() { Operation = Operation.Check, Job = "id", Caller = "alice" },
        ];
        string json = JsonSerializer.Serialize(queue, OwnJson.Default.RequestArray);
        Request[] read = JsonSerializer.Deserialize(json, OwnJson.Default.RequestArray)!;
        Assert.Equal(queue.Select(request => request.ToLine()), read.Select(request => request.ToLine()));
    }

    [Theory]
    [InlineData("""[{"job":"id","args":7}]""")]
    [InlineData("""[{"job":"id","args":{"a":{"b":1,"b":2}}}]""")]
    [InlineData("""[{"job":"id","user":true}]""")]
    [InlineData("""[{"job":"id","reply":"Frames"}]""")]
    [InlineData("""[{"op":0,"job":"id"}]""")]
    [InlineData("""[{"job":"id","x":1}]""")]
    public void An_invalid_request_is_also_refused_in_the_JSON_of_a_program(string json) =>
        Assert.Throws<JsonException>(() => JsonSerializer.Deserialize(json, OwnJson.Default.RequestArray));

    internal sealed record Kept(string Name, JobResult End, ReplyCode Last);

    [JsonSerializable(typeof(Kept))]
    [JsonSerializable(typeof(Dictionary<ReplyCode, int>))]
    [JsonSerializable(typeof(Request[]))]
    internal sealed partial class OwnJson : JsonSerializerContext;
}
