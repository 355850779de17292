using System.Buffers;
using System.Text.Encodings.Web;
using System.Text.Json;

using PipeForkAs.Client;
using PipeForkAs.Protocol.Client;

namespace PipeForkAs.Protocol;

/// <summary>A job's arguments as words of a command line, <c>NAME=VALUE</c>, made into the JSON object that the job takes.</summary>
public static class ArgumentPairs
{
    /// <summary>Not escaping what HTML would misread keeps the request's line short; it is never put into a page.</summary>
    private static readonly JsonWriterOptions Compact = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    /// <summary>
    /// Converts pairs by the schema of the job's arguments. Texts are taken as they are; integers, numbers, <c>true</c> and
    /// <c>false</c>, arrays and objects are read as JSON; <c>null</c> is null where the schema allows it and takes no text. Where the
    /// schema leaves the type open, what is valid JSON is JSON and all else is text. Missing arguments are left to whoever runs the job.
    /// </summary>
    /// <param name="pairs">Words of the form <c>NAME=VALUE</c>; the first <c>=</c> separates. Each name at most once.</param>
    /// <param name="schema">
    /// The JSON schema of the arguments, as <see cref="JobDescription.Arguments"/> holds it; null when the job takes none.
    /// </param>
    /// <returns>A JSON object in UTF-8, on one line.</returns>
    /// <exception cref="RequestException">
    /// A word is no pair, a name stands twice or is not the schema's (the message names those that are), or a value is not what the
    /// schema takes.
    /// </exception>
    public static byte[] ToJson(IEnumerable<string> pairs, JsonElement? schema)
    {
        ArgumentNullException.ThrowIfNull(pairs);

        if (schema is { } given && !ArgumentSchema.IsUnicode(given))
            throw new RequestException("the schema of the job's arguments holds text that is not valid Unicode");
        ArgumentSchema? arguments = schema is { } known ? new ArgumentSchema(known) : null;
        HashSet<string> seen = new(StringComparer.Ordinal);
        ArrayBufferWriter<byte> json = new();
        using (Utf8JsonWriter writer = new(json, Compact))
        {
            writer.WriteStartObject();
            foreach (string pair in pairs)
            {
                (string name, string value) = Split(pair);
                if (!seen.Add(name))
                    throw new RequestException($"the argument {UntrustedText.Excerpt(name)} is given twice");

                ArgumentSchema member = arguments?.Member(name) ?? throw Unknown(name, arguments);
                writer.WritePropertyName(name);
                if (!member.TryWrite(writer, value))
                {
                    string expected = UntrustedText.Escape(member.Expectation);
                    throw new RequestException(
                        $"the argument {UntrustedText.Excerpt(name)} is {expected}, not \"{UntrustedText.Excerpt(value)}\"");
                }
            }

            writer.WriteEndObject();
        }

        return json.WrittenSpan.ToArray();
    }

    /// <summary>The arguments that a schema names, in its order, in words for a person; none where its text is not Unicode.</summary>
    /// <param name="schema">The JSON schema of a job's arguments; null when the job takes none.</param>
    public static IReadOnlyList<ArgumentDescription> Describe(JsonElement? schema)
    {
        if (schema is not { } known || !ArgumentSchema.IsUnicode(known))
            return [];

        ArgumentSchema arguments = new(known);
        return [.. arguments.Names.Select(name => Describe(arguments, name))];
    }

    /// <summary>Whether a schema knows an argument of that name, or takes arguments of any name.</summary>
    /// <param name="schema">The JSON schema of a job's arguments; null when the job takes none.</param>
    /// <param name="name">The name, in the letters that the job has it in.</param>
    public static bool Knows(JsonElement? schema, string name) =>
        schema is { } known && ArgumentSchema.IsUnicode(known) && new ArgumentSchema(known).Member(name) is not null;

    /// <summary>The values that a schema gives to arguments which a request leaves out; null is none.</summary>
    /// <param name="schema">The JSON schema of a job's arguments; null when the job takes none.</param>
    public static IReadOnlyDictionary<string, JsonElement> Defaults(JsonElement? schema)
    {
        var defaults = new Dictionary<string, JsonElement>(StringComparer.Ordinal);
        if (schema is not { } known || !ArgumentSchema.IsUnicode(known))
            return defaults;
        ArgumentSchema arguments = new(known);
        foreach (string name in arguments.Names)
        {
            if (arguments.Member(name)?.DefaultValue is { ValueKind: not JsonValueKind.Null } value)
                defaults[name] = value;
        }

        return defaults;
    }

    private static ArgumentDescription Describe(ArgumentSchema arguments, string name)
    {
        ArgumentSchema member = arguments.Member(name)!.Value;
        return new ArgumentDescription(
            name, member.Expectation, arguments.Requires(name), member.Default, member.Description)
        { Pattern = member.Pattern };
    }

    private static (string Name, string Value) Split(string pair)
    {
        int separator = pair.IndexOf('=', StringComparison.Ordinal);
        return separator > 0
            ? (pair[..separator], pair[(separator + 1)..])
            : throw new RequestException($"\"{UntrustedText.Excerpt(pair)}\" is no argument of the form NAME=VALUE");
    }

    private static RequestException Unknown(string name, ArgumentSchema? arguments)
    {
        string known = arguments is { } schema ? string.Join(", ", schema.Names) : "";
        return new RequestException(known.Length > 0
            ? $"the job has no argument {UntrustedText.Excerpt(name)}; it has {UntrustedText.Escape(known)}"
            : $"the job takes no arguments, not {UntrustedText.Excerpt(name)} either");
    }
}
