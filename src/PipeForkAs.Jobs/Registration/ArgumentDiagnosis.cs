using System.Text.Json;
using PipeForkAs.Protocol;
using PipeForkAs.Protocol.Client;

namespace PipeForkAs.Jobs.Registration;

/// <summary>Explains wrong arguments in the terms of the client: the messages of .NET's JSON reader name the author's types and members,
/// which the client does not know.
/// </summary>
internal static class ArgumentDiagnosis
{
    private static readonly JsonDocumentOptions Strict = new() { AllowDuplicateProperties = false, MaxDepth = ClientProtocol.MaxDepth };

    /// <summary>Explains why the arguments are refused.</summary>
    /// <param name="json">The arguments.</param>
    /// <param name="schema">The schema of the arguments.</param>
    /// <param name="failure">The exception of the JSON reader.</param>
    public static string Explain(ReadOnlyMemory<byte> json, JsonElement schema, JsonException failure)
    {
        IReadOnlyList<ArgumentDescription> known = ArgumentPairs.Describe(schema);
        try
        {
            using JsonDocument document = JsonDocument.Parse(json, Strict);
            return Explain(document.RootElement, known, failure);
        }
        catch (JsonException invalid)
        {
            JsonFault fault = JsonFault.Of(json.Span, invalid);
            return $"the arguments are not valid JSON, at byte {fault.Position}: {fault.Problem}";
        }
        catch (InvalidOperationException)
        {
            // The reader reports a name that contains invalid UTF-8 or half a surrogate pair in this way.
            return "the arguments contain text that is not valid Unicode";
        }
    }

    private static string Explain(JsonElement given, IReadOnlyList<ArgumentDescription> known, JsonException failure)
    {
        if (given.ValueKind != JsonValueKind.Object)
            return "the arguments must be a JSON object";

        string[] names = [.. given.EnumerateObject().Select(member => member.Name)];
        if (names.Except(known.Select(argument => argument.Name)).FirstOrDefault() is { } unknown)
        {
            return known.Count == 0
                ? "the job takes no arguments"
                : $"the job has no argument {UntrustedText.Excerpt(unknown)}; "
                    + $"it has {string.Join(", ", known.Select(argument => argument.Name))}";
        }

        if (known.FirstOrDefault(argument => argument.Required && !names.Contains(argument.Name)) is { } missing)
            return $"the argument {missing.Name} is missing; it must be {missing.Expectation}";

        // In an object or an array, the fault may be in a nested value.
        return known.FirstOrDefault(argument => failure.Path == $"$.{argument.Name}") is { } wrong
            && given.GetProperty(wrong.Name).ValueKind is not (JsonValueKind.Object or JsonValueKind.Array)
            ? $"the argument {wrong.Name} must be {wrong.Expectation}"
            : $"an argument has the wrong type or value, at {UntrustedText.Excerpt(failure.Path ?? "$")}";
    }
}
