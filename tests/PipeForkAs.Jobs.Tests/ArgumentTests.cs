using System.Text.Json;
using System.Text.Json.Serialization;
using System.Text.Json.Serialization.Metadata;

namespace PipeForkAs.Jobs.Tests;

public class ArgumentTests
{
    private const string Complete = """{"text":"a","number":1,"speed":"Fast","part":{"name":"p","weight":2},"list":["x"]""";

    private readonly Job job = new JobCollection().Add(
        "job", () => SampleJson.Default.Sample, static sample => $"{sample.Text} {sample.Flag} {sample.Optional}");

    [Fact]
    public void Optional_arguments_may_be_omitted() => Assert.Equal("a True ", TestRun.Of(job, Complete + "}"));

    [Fact]
    public void Optional_arguments_may_be_given() =>
        Assert.Equal("a False b", TestRun.Of(job, Complete + ""","flag":false,"optional":"b"}"""));

    [Fact]
    public void Null_is_accepted_if_it_is_allowed() => Assert.Equal("a True ", TestRun.Of(job, Complete + ""","optional":null}"""));

    [Theory]
    [InlineData(Complete + ""","colour":1}""", "the job has no argument colour; it has text, number, speed, part, list, flag, optional")]
    [InlineData(Complete + ""","Text":"b"}""", "the job has no argument Text;")]
    [InlineData(Complete + ""","text":"b"}""", "\"text\" is duplicate in an object")]
    [InlineData(Complete + ""","flag":null}""", "the argument flag must be true or false")]
    [InlineData(Complete + ""","flag":"true"}""", "the argument flag must be true or false")]
    [InlineData("""{"text":null,"number":1,"speed":"Fast","part":{"name":"p","weight":2},"list":[]}""", "the argument text must be text")]
    [InlineData(
        """{"text":"a","number":"1","speed":"Fast","part":{"name":"p","weight":2},"list":[]}""", "the argument number must be an integer")]
    [InlineData(
        """{"text":"a","number":1.5,"speed":"Fast","part":{"name":"p","weight":2},"list":[]}""", "the argument number must be an integer")]
    [InlineData(
        """{"text":"a","number":99999999999,"speed":"Fast","part":{"name":"p","weight":2},"list":[]}""",
        "the argument number must be an integer")]
    [InlineData(
        """{"text":"a","number":1,"speed":"Medium","part":{"name":"p","weight":2},"list":[]}""",
        "the argument speed must be one of Slow, Fast")]
    [InlineData("""{"text":"a","number":1,"speed":"Fast","part":{"name":"p","weight":2,"size":1},"list":[]}""", "$.part.size")]
    [InlineData("""{"text":"a","number":1,"speed":"Fast","part":{"name":"p"},"list":[]}""", "$.part")]
    [InlineData(
        """{"text":"a","number":1,"speed":"Fast","part":{"name":"p","weight":2}}""",
        "the argument list is missing; it must be a JSON array")]
    [InlineData("", "the argument text is missing; it must be text")]
    [InlineData("{}", "the argument text is missing")]
    [InlineData("[]", "must be a JSON object")]
    [InlineData("null", "must be a JSON object")]
    [InlineData("7", "must be a JSON object")]
    [InlineData("{\"text\":", "not valid JSON")]
    [InlineData("{} {}", "not valid JSON")]
    [InlineData("{\"a\\ud800\":1}", "text that is not valid Unicode")]
    [InlineData("{\"a\\ud800\":1,\"b\":2}", "text that is not valid Unicode")]
    [InlineData("{\"a\\n\\u001b[2J\\u2028\":1}", "the job has no argument a\\n\\u001b[2J\\u2028; it has")]
    [InlineData("{\"text\":\"a\",\"number\":1,\"speed\":\"Fast\",\"part\":{\"x\\u001b\":1},\"list\":[]}", "at $.part")]
    public void Wrong_arguments_are_refused_with_the_reason(string arguments, string reason)
    {
        JobArgumentsException refusal = Assert.Throws<JobArgumentsException>(() => TestRun.Of(job, arguments));
        Assert.Contains(reason, refusal.Message);
        Assert.DoesNotContain("PipeForkAs", refusal.Message);
        Assert.DoesNotContain(refusal.Message, letter => char.IsControl(letter) || letter == '\u2028');
    }

    [Fact]
    public void A_record_without_members_accepts_no_arguments()
    {
        Job none = new JobCollection().Add("job", () => SampleJson.Default.NoMembers, _ => "ok");
        Assert.Equal("ok", TestRun.Of(none, "{}"));
        Assert.Throws<JobArgumentsException>(() => TestRun.Of(none, """{"a":1}"""));
    }

    [Theory]
    [InlineData("""{"a":1}""")]
    [InlineData("""{"unknown":null}""")]
    public void Modified_type_information_is_not_accepted(string arguments)
    {
        Job lax = new JobCollection().Add("none", static () =>
        {
            JsonTypeInfo<NoMembers> made = JsonTypeInfo.CreateJsonTypeInfo<NoMembers>(
                new JsonSerializerOptions(JsonSerializerDefaults.Strict) { TypeInfoResolver = SampleJson.Default });
            made.CreateObject = static () => new NoMembers();
            made.UnmappedMemberHandling = JsonUnmappedMemberHandling.Skip;
            return made;
        }, _ => "ok");
        Assert.Throws<JobArgumentsException>(() => TestRun.Of(lax, arguments));
    }
}
