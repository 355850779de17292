using System.Text;
using System.Text.Json;
using PipeForkAs.Fuzz.Driver;
using PipeForkAs.Protocol;
using PipeForkAs.Protocol.Client;

namespace PipeForkAs.Fuzz.Targets;

/// <summary>The argument schema of a job, followed by words of a command line, each after a NUL.</summary>
internal sealed class SchemaTarget : Target
{
    /// <summary>Each word is compared with each alternative, and the description lists all names.</summary>
    public override int BytesForEach => 1024;

    public override string Name => "schema";

    public override int MaxLength => 2048;

    public override void Try(Trial trial)
    {
        byte[][] parts = [.. Parts(trial.Input)];
        JsonDocument document;
        try
        {
            document = JsonDocument.Parse(parts[0], new JsonDocumentOptions { MaxDepth = ClientProtocol.MaxDepth });
        }
        catch (JsonException)
        {
            return; // A schema is always JSON.
        }

        using (document)
        {
            JsonElement schema = document.RootElement;
            foreach (ArgumentDescription argument in trial.Measured(() => ArgumentPairs.Describe(schema)))
            {
                Trial.Holds(argument.Expectation.Length > 0, $"nothing is expected of {argument.Name}");
                Trial.Holds(ArgumentPairs.Knows(schema, argument.Name), $"{argument.Name} is described and not known");
            }

            Convert(trial, schema, [.. parts.Skip(1).Select(Encoding.UTF8.GetString)]);
        }
    }

    private static void Convert(Trial trial, JsonElement schema, string[] pairs)
    {
        byte[] json;
        try
        {
            json = trial.Measured(() => ArgumentPairs.ToJson(pairs, schema));
        }
        catch (RequestException refused)
        {
            Trial.IsReason(refused.Message, 4000 + (2 * trial.Input.Length));
            return;
        }

        trial.Accept();
        Trial.Holds(json.AsSpan().IndexOf((byte)'\n') < 0, "the arguments are not one line");
        using JsonDocument arguments = JsonDocument.Parse(json, new JsonDocumentOptions { AllowDuplicateProperties = false });
        string[] names = [.. arguments.RootElement.EnumerateObject().Select(member => member.Name)];
        Trial.Holds(names.SequenceEqual(pairs.Select(pair => pair.Split('=')[0])), "the arguments have other names than the words");
        Trial.Holds(names.All(name => ArgumentPairs.Knows(schema, name)), "an argument is none of the schema's");
    }

    private static IEnumerable<byte[]> Parts(byte[] input)
    {
        while (input.AsSpan().IndexOf((byte)0) is >= 0 and var end)
        {
            yield return input[..end];
            input = input[(end + 1)..];
        }

        yield return input;
    }
}
