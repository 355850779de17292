using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.Json.Schema;
using System.Text.Json.Serialization;

using PipeForkAs.Protocol;
using PipeForkAs.Protocol.Client;

namespace PipeForkAs.Client.Tests;

public sealed class ArgumentPairsTests
{
    private static readonly JsonElement Schema = SchemaOf<Arguments>(JsonSerializerOptions.Web);

    public enum Speed
    {
        Slow,
        Fast,
    }

    public sealed record Arguments(
        string Path,
        string? Note,
        int Depth,
        int? Limit,
        double Ratio,
        bool Force,
        string[] Names,
        Dictionary<string, int> Sizes,
        [property: JsonConverter(typeof(JsonStringEnumConverter<Speed>))] Speed Speed,
        [property: JsonConverter(typeof(JsonStringEnumConverter<Speed>))] Speed? Other,
        JsonElement Any,
        Arguments? Child = null,
        int Retries = 3);

    [Theory]
    [InlineData("""{"properties":{"a":{"$ref":"#/\ud800"}}}""")]
    [InlineData("""{"properties":{"a":{"\ud800":1}}}""")]
    [InlineData("""{"properties":{"a":{"type":"\ud800"}}}""")]
    [InlineData("""{"properties":{"a":{"enum":["\ud800"]}}}""")]
    public void A_schema_that_is_not_Unicode_accepts_no_arguments(string text)
    {
        JsonElement schema = JsonElement.Parse(text);
        RequestException refused = Assert.ThrowsAny<RequestException>(() => ArgumentPairs.ToJson(["a=x"], schema));
        Assert.Contains("Unicode", refused.Message, StringComparison.Ordinal);
        Assert.Empty(ArgumentPairs.Describe(schema));
        Assert.False(ArgumentPairs.Knows(schema, "a"));
    }

    [Fact]
    public void A_value_that_is_not_Unicode_is_not_JSON()
    {
        JsonElement schema = JsonElement.Parse("""{"properties":{"a":{"type":"object"},"b":{}}}""");
        Assert.ThrowsAny<RequestException>(() => ArgumentPairs.ToJson(["a={\"\\ud800\":1}"], schema));
        Assert.ThrowsAny<RequestException>(() => ArgumentPairs.ToJson(["a={\"x\":\"\\ud800\"}"], schema));
        Assert.Equal("""{"b":"{\"\\ud800\":1}"}"""u8, ArgumentPairs.ToJson(["b={\"\\ud800\":1}"], schema));
    }

    [Fact]
    public void A_word_is_quoted_on_one_line()
    {
        JsonElement schema = JsonElement.Parse("""{"properties":{"a":{"type":"integer"}}}""");
        Assert.All(["a\u001b\n", "a\u001b\n=1", "a=\u001b\n"], word =>
            Assert.DoesNotContain(Assert.ThrowsAny<RequestException>(() => ArgumentPairs.ToJson([word], schema)).Message, char.IsControl));
    }

    [Theory]
    [InlineData("path=/tmp/a b", """{"path":"/tmp/a b"}""")]
    [InlineData("path=", """{"path":""}""")]
    [InlineData("path=a=b", """{"path":"a=b"}""")]
    [InlineData("path=5", """{"path":"5"}""")]
    [InlineData("path=null", """{"path":"null"}""")]
    [InlineData("path={}", """{"path":"{}"}""")]
    [InlineData("path=ä😀\n\"", """{"path":"ä\uD83D\uDE00\n\""}""")]
    [InlineData("note=null", """{"note":"null"}""")]
    [InlineData("depth=-7", """{"depth":-7}""")]
    [InlineData("depth=123456789012345678901234567890", """{"depth":123456789012345678901234567890}""")]
    [InlineData("limit=null", """{"limit":null}""")]
    [InlineData("limit=3", """{"limit":3}""")]
    [InlineData("ratio=1e-3", """{"ratio":1e-3}""")]
    [InlineData("ratio=2", """{"ratio":2}""")]
    [InlineData("force=true", """{"force":true}""")]
    [InlineData("names=[\"a\",\n \"b\"]", """{"names":["a","b"]}""")]
    [InlineData("sizes={\"a\":1}", """{"sizes":{"a":1}}""")]
    [InlineData("speed=Fast", """{"speed":"Fast"}""")]
    [InlineData("other=null", """{"other":null}""")]
    [InlineData("any=5", """{"any":5}""")]
    [InlineData("any=five", """{"any":"five"}""")]
    [InlineData("child={\"path\":\"x\"}", """{"child":{"path":"x"}}""")]
    [InlineData("retries=4", """{"retries":4}""")]
    public void A_value_is_converted_to_the_type_in_the_schema(string pair, string json) => Assert.Equal(json, Convert(Schema, pair));

    [Theory]
    [InlineData("depth=1.5", "integer")]
    [InlineData("depth=seven", "integer")]
    [InlineData("depth=", "integer")]
    [InlineData("depth=null", "integer")]
    [InlineData("depth=007", "integer")]
    [InlineData("force=yes", "true or false")]
    [InlineData("force=True", "true or false")]
    [InlineData("names=a,b", "JSON array")]
    [InlineData("names={}", "JSON array")]
    [InlineData("sizes=[]", "JSON object")]
    [InlineData("sizes={\"a\":1,\"a\":2}", "JSON object")]
    [InlineData("speed=fast", "one of Slow, Fast")]
    [InlineData("speed=1", "one of Slow, Fast")]
    public void A_value_of_the_wrong_type_is_refused_with_the_expected_type(string pair, string expected)
    {
        JsonElement strict = SchemaOf<Arguments>(new(JsonSerializerOptions.Web) { NumberHandling = JsonNumberHandling.Strict });

        Assert.Contains(expected, Refusal(strict, pair));
    }

    [Fact]
    public void A_number_is_sent_as_a_number_even_if_text_is_allowed() =>
        Assert.Equal("""{"depth":7}""", Convert(Schema, "depth=7"));

    [Fact]
    public void Several_pairs_keep_their_order() =>
        Assert.Equal("""{"force":false,"path":"x","depth":1}""", Convert(Schema, "force=false", "path=x", "depth=1"));

    [Fact]
    public void An_unknown_name_is_refused_with_the_known_names()
    {
        string refusal = Refusal(Schema, "Path=x");

        Assert.Contains("no argument Path", refusal);
        Assert.Contains("path, note, depth", refusal);
    }

    [Fact]
    public void A_name_given_twice_is_refused() => Assert.Contains("twice", Refusal(Schema, "path=a", "path=a"));

    [Theory]
    [InlineData("path")]
    [InlineData("=x")]
    [InlineData("")]
    public void A_word_that_is_not_a_pair_is_refused(string word) => Assert.Contains("NAME=VALUE", Refusal(Schema, word));

    [Fact]
    public void A_job_without_arguments_accepts_none() => Assert.Contains("takes no arguments", Refusal(null, "a=1"));

    [Fact]
    public void No_pairs_are_an_empty_object() => Assert.Equal("{}", Convert(null));

    [Theory]
    [InlineData("true")]
    [InlineData("{}")]
    [InlineData("""{"type":"object"}""")]
    public void A_schema_without_names_accepts_any_name(string schema) =>
        Assert.Equal("""{"a":1,"b":"x"}""", Convert(JsonDocument.Parse(schema).RootElement, "a=1", "b=x"));

    [Fact]
    public void The_values_of_a_dictionary_have_its_type()
    {
        JsonElement schema = SchemaOf<Dictionary<string, string>>(JsonSerializerOptions.Web);

        Assert.Equal("""{"a":"1"}""", Convert(schema, "a=1"));
    }

    [Fact]
    public void Named_floating_point_values_are_alternatives_of_a_number()
    {
        JsonElement schema = SchemaOf<Arguments>(
            new(JsonSerializerOptions.Web) { NumberHandling = JsonNumberHandling.AllowNamedFloatingPointLiterals });

        Assert.Equal("""{"ratio":"NaN"}""", Convert(schema, "ratio=NaN"));
        Assert.Equal("""{"ratio":0.5}""", Convert(schema, "ratio=0.5"));
        Refusal(schema, "ratio=nan");
    }

    [Fact]
    public void A_recursive_schema_does_not_loop_forever()
    {
        Assert.Equal("""{"a":"x"}""", Convert(JsonDocument.Parse("""{"properties":{"a":{"$ref":"#/properties/a"}}}""").RootElement, "a=x"));
        Refusal(JsonDocument.Parse(
            """{"properties":{"a":{"anyOf":[{"$ref":"#/properties/a"},{"$ref":"#/properties/a"}]}}}""").RootElement, "a=x");
    }

    [Fact]
    public void Arguments_are_described_in_words()
    {
        IReadOnlyList<ArgumentDescription> arguments = ArgumentPairs.Describe(Schema);

        Assert.Equal(new ArgumentDescription("path", "text", Required: true, null, null), arguments[0]);
        Assert.Equal("one of Slow, Fast", arguments.Single(argument => argument.Name == "speed").Expectation);
        Assert.Equal((false, "3"), (arguments[^1].Required, arguments[^1].Default));
        Assert.Empty(ArgumentPairs.Describe(null));
    }

    [Fact]
    public void A_pattern_is_described() =>
        Assert.Equal(
            "^a$", ArgumentPairs.Describe(
                JsonDocument.Parse("""{"properties":{"a":{"type":"string","pattern":"^a$"}}}""").RootElement)[0].Pattern);

    [Fact]
    public void Names_are_case_sensitive()
    {
        Assert.True(ArgumentPairs.Knows(Schema, "path"));
        Assert.False(ArgumentPairs.Knows(Schema, "Path"));
        Assert.False(ArgumentPairs.Knows(null, "path"));
        Assert.True(ArgumentPairs.Knows(SchemaOf<Dictionary<string, string>>(JsonSerializerOptions.Web), "any"));
    }

    private static JsonElement SchemaOf<T>(JsonSerializerOptions options)
    {
        JsonNode schema = options.GetJsonSchemaAsNode(typeof(T));
        return JsonDocument.Parse(schema.ToJsonString()).RootElement;
    }

    private static string Convert(JsonElement? schema, params string[] pairs) =>
        Encoding.UTF8.GetString(ArgumentPairs.ToJson(pairs, schema));

    private static string Refusal(JsonElement? schema, params string[] pairs) =>
        Assert.ThrowsAny<RequestException>(() => ArgumentPairs.ToJson(pairs, schema)).Message;
}
