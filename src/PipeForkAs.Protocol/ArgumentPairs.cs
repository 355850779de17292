using System.Buffers;
using System.Text.Encodings.Web;
using System.Text.Json;

using PipeForkAs.Client;
using PipeForkAs.Protocol.Client;

namespace PipeForkAs.Protocol;

/// <summary>Converts a job's arguments from words of a command line, <c>NAME=VALUE</c>, to the JSON object that the job takes.</summary>
public static class ArgumentPairs
{
    /// <summary>The relaxed encoder keeps the request's line short. It is safe because the JSON never becomes part of an HTML page.
    /// </summary>
    private static readonly JsonWriterOptions Compact = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    /// <summary>Converts pairs by the schema of the job's arguments. A string is used unchanged. An integer, a number, <c>true</c>,
    /// <c>false</c>, an array or an object is read as JSON. The word <c>null</c> is null if the schema allows null and does not allow a
    /// string. If the schema leaves the type open, valid JSON is read as JSON, and everything else is a string. The converter does not
    /// check for missing arguments; the job does.
    /// </summary>
    /// <param name="pairs">Words of the form <c>NAME=VALUE</c>; the first <c>=</c> separates. Each name at most once.</param>
    /// <param name="schema">
    /// The JSON schema of the arguments, as in <see cref="JobDescription.Arguments"/>; null if the job takes none.
    /// </param>
    /// <returns>A JSON object in UTF-8, on one line.</returns>
    /// <exception cref="RequestException">
    /// A word is not a pair, a name appears twice or is not in the schema (the message lists the names in the schema), or a value does not
    /// match the schema.
    /// </exception>
    public static byte[] ToJson(IEnumerable<string> pairs, JsonElement? schema)
    {
        ArgumentNullException.ThrowIfNull(pairs);

        if (schema is { } given && !ArgumentSchema.IsUnicode(given))
            throw new RequestException("the schema of the job's arguments contains text that is not valid Unicode");
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
                        $"the argument {UntrustedText.Excerpt(name)} must be {expected}, not \"{UntrustedText.Excerpt(value)}\"");
                }
            }

            writer.WriteEndObject();
        }

        return json.WrittenSpan.ToArray();
    }

    /// <summary>Describes the arguments in a schema for people, in the schema's order; none if the schema's text is not Unicode.</summary>
    /// <param name="schema">The JSON schema of a job's arguments; null if the job takes none.</param>
    public static IReadOnlyList<ArgumentDescription> Describe(JsonElement? schema)
    {
        if (schema is not { } known || !ArgumentSchema.IsUnicode(known))
            return [];

        ArgumentSchema arguments = new(known);
        return [.. arguments.Names.Select(name => Describe(arguments, name))];
    }

    /// <summary>Whether a schema contains an argument with this name, or allows arguments of any name.</summary>
    /// <param name="schema">The JSON schema of a job's arguments; null if the job takes none.</param>
    /// <param name="name">The name, case-sensitive.</param>
    public static bool Knows(JsonElement? schema, string name) =>
        schema is { } known && ArgumentSchema.IsUnicode(known) && new ArgumentSchema(known).Member(name) is not null;

    /// <summary>Returns the values that a schema gives to arguments that a request omits; null gives none.</summary>
    /// <param name="schema">The JSON schema of a job's arguments; null if the job takes none.</param>
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
            : throw new RequestException($"\"{UntrustedText.Excerpt(pair)}\" is not of the form NAME=VALUE");
    }

    private static RequestException Unknown(string name, ArgumentSchema? arguments)
    {
        string known = arguments is { } schema ? string.Join(", ", schema.Names) : "";
        return new RequestException(known.Length > 0
            ? $"the job has no argument {UntrustedText.Excerpt(name)}; it has {UntrustedText.Escape(known)}"
            : $"the job takes no arguments, but {UntrustedText.Excerpt(name)} was given");
    }
}
