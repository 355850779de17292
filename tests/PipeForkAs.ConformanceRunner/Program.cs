using System.Runtime.InteropServices;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace PipeForkAs.ConformanceRunner;

/// <summary>The runner of the .NET client: tests/clients/README.md describes its lines of JSON.</summary>
internal static class Program
{
    private static async Task Main()
    {
        using var output = new StreamWriter(Console.OpenStandardOutput()) { AutoFlush = true, NewLine = "\n" };
        using var input = new StreamReader(Console.OpenStandardInput());
        while (await input.ReadLineAsync() is { } line)
        {
            JsonObject call = JsonNode.Parse(line)!.AsObject();
            JsonObject answer = (string?)call["call"] == "about" ? About() : await PlayAsync(call);
            await output.WriteLineAsync(answer.ToJsonString());
        }
    }

    private static JsonObject About() => new()
    {
        ["client"] = $"PipeForkAs.Client {typeof(PipeForkAsClient).Assembly.GetName().Version}",
        ["runtime"] = RuntimeInformation.FrameworkDescription,
    };

    private static async Task<JsonObject> PlayAsync(JsonObject call)
    {
        using var output = new OutputDigest();
        using var error = new OutputDigest();
        bool streams = (string)call["call"]! == "stream";
        JsonObject answer;
        try
        {
            answer = await new Player(call, output, error).PlayAsync();
        }
        catch (Exception failure) when (OutcomeOf(failure) is not null)
        {
            answer = new JsonObject { ["outcome"] = OutcomeOf(failure), ["shown"] = failure.Message };
            if (failure is JobFailedException { Result: var failed })
                Reports.AddEnd(answer, failed);
            if (failure is RequestRefusedException { Result: var refused })
                Reports.AddEnd(answer, refused);
        }

        answer["case"] = (string?)call["case"];
        if (streams)
        {
            answer["stdout"] = output.Report();
            answer["stderr"] = error.Report();
        }

        return answer;
    }

    private static string? OutcomeOf(Exception failure) => failure switch
    {
        JobFailedException or RequestRefusedException => "failed",
        ReplyCutShortException => "cut-short",
        ProtocolViolationException => "violation",
        ConnectionException => "connection",
        UntrustedDaemonException => "untrusted",
        RequestException => "request",
        OutputTooLargeException => "too-much",
        JobStreamException { Stream: JobStream.Input } => "input",
        OperationCanceledException => "cancelled",
        _ => null,
    };
}
