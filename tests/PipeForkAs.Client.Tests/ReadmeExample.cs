using System.Text.Json.Serialization;

namespace PipeForkAs.Client.Tests;

/// <summary>The client example of README, so that the compiler checks it.</summary>
internal static partial class ReadmeExample
{
    public static async Task RunAsync()
    {
        var client = new PipeForkAsClient();            // or services.AddPipeForkAsClient(), which gives an IPipeForkAsClient
        JobOutput id = await client.CaptureAsync(new JobRequest("id") { User = "alice" });
        Console.Write(id.EnsureSuccess().StdoutText);

        Greeted greeted = await client.RunAsync(        // a typed job, as in "Write a job"
            "greet", new Greeting("World"), MyJson.Default.Greeting, MyJson.Default.Greeted, user: "alice");

        await foreach (string line in client.ReadLinesAsync(new JobRequest("list-directory")))      // while the job runs
            Console.WriteLine(line);

        Console.WriteLine(greeted.Text);
    }

    internal sealed record Greeting(string Name);

    internal sealed record Greeted(string Text);

    [JsonSerializable(typeof(Greeting)), JsonSerializable(typeof(Greeted))]
    internal sealed partial class MyJson : JsonSerializerContext;
}
