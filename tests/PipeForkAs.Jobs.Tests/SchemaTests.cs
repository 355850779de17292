using System.Text.Json.Nodes;

namespace PipeForkAs.Jobs.Tests;

public class SchemaTests
{
    private readonly JsonNode schema = new JobCollection().Add("job", () => SampleJson.Default.Sample, _ => "").ArgumentsSchema()!;

    [Fact]
    public void A_job_without_arguments_has_no_schema() => Assert.Null(new JobCollection().Add("job", () => "").ArgumentsSchema());

    [Fact]
    public void An_argument_without_a_default_is_required() =>
        Assert.Equal(["text", "number", "speed", "part", "list"], schema["required"]!.AsArray().Select(name => name!.GetValue<string>()));

    [Fact]
    public void Unknown_members_are_excluded_at_every_depth()
    {
        Assert.False(schema["additionalProperties"]!.GetValue<bool>());
        Assert.False(Property("part")["additionalProperties"]!.GetValue<bool>());
    }

    [Theory]
    [InlineData("text", "string")]
    [InlineData("number", "integer")]
    [InlineData("flag", "boolean")]
    [InlineData("part", "object")]
    [InlineData("list", "array")]
    public void A_member_has_its_type_and_is_not_null(string name, string type) =>
        Assert.Equal(type, Property(name)["type"]!.GetValue<string>());

    [Fact]
    public void An_optional_text_may_be_null() =>
        Assert.Equal(["string", "null"], Property("optional")["type"]!.AsArray().Select(type => type!.GetValue<string>()));

    [Fact]
    public void An_enumeration_lists_its_names() =>
        Assert.Equal(["Slow", "Fast"], Property("speed")["enum"]!.AsArray().Select(name => name!.GetValue<string>()));

    [Fact]
    public void The_schema_contains_defaults() => Assert.True(Property("flag")["default"]!.GetValue<bool>());

    private JsonNode Property(string name) => schema["properties"]![name]!;
}
