using System.Text.Json;
using PipeForkAs.Protocol.Client;

namespace PipeForkAs.Protocol.Tests.Client;

public sealed class JobDescriptionTests
{
    [Fact]
    public void A_description_contains_all_known_members()
    {
        using JsonDocument schema = JsonDocument.Parse("""{"type":"object"}""");
        var description = new JobDescription
        {
            Name = "list-directory",
            Kind = JobKind.Typed,
            Description = "Lists.",
            Arguments = schema.RootElement,
            Environment = ["LANG"],
            Timeout = TimeSpan.FromSeconds(5),
        };
        string json = JsonSerializer.Serialize(description, JobDescriptionJson.Default.JobDescription);

        Assert.Equal(
            """{"name":"list-directory","kind":"typed","description":"Lists.","arguments":{"type":"object"},"env":["LANG"],"timeout":5}""",
            json);
        JobDescription read = JsonSerializer.Deserialize(json, JobDescriptionJson.Default.JobDescription)!;
        Assert.Equal((description.Name, description.Kind, description.Timeout), (read.Name, read.Kind, read.Timeout));
    }

    [Fact]
    public void A_description_omits_unknown_members() => Assert.Equal(
        """{"name":"id","kind":"text","description":"","env":[]}""",
        JsonSerializer.Serialize(new JobDescription { Name = "id", Kind = JobKind.Text }, JobDescriptionJson.Default.JobDescription));
}
