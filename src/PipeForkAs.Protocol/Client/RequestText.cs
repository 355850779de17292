using System.Buffers;
using System.Diagnostics;
using System.Text.Json;
using System.Text.Unicode;
using PipeForkAs.Client;

namespace PipeForkAs.Protocol.Client;

/// <summary>Checks the text of a request before deserialization: for faults that the deserializer does not find, and for faults that it
/// reports in .NET's terms. Only duplicate names within the arguments are left to the deserializer.
/// </summary>
internal static class RequestText
{
    private const string EnvironmentMember = "env", ArgumentsMember = "args";

    private static readonly List<string> Members = [.. RequestJson.Default.Request.Properties.Select(property => property.Name)];
    private static readonly OperationConverter OperationWords = new();
    private static readonly ReplyFormConverter ReplyForms = new();

    /// <summary>Refuses text that is not JSON. Refuses members that are unknown, duplicate, of a wrong type or null (a variable that a
    /// script forgot to set must not select the calling user). Refuses text that is not valid Unicode, at every depth. Refuses more members
    /// and values than a request may have, before any step that costs more for each of them.
    /// </summary>
    /// <exception cref="RequestException">The line breaks one of the rules.</exception>
    public static void Check(ReadOnlySpan<byte> line)
    {
        var reader = new Utf8JsonReader(line, new JsonReaderOptions { MaxDepth = ClientProtocol.MaxDepth });
        try
        {
            Check(ref reader);
        }
        catch (JsonException failure)
        {
            JsonFault fault = JsonFault.Of(line, failure);
            throw new RequestJsonException(fault.Position, fault.Problem, failure);
        }
    }

    /// <summary>Returns the exception for a line that <see cref="Check(ReadOnlySpan{byte})"/> accepts and the deserializer refuses.
    /// </summary>
    public static RequestJsonException Refused(ReadOnlySpan<byte> line, JsonException failure)
    {
        JsonFault fault = JsonFault.Duplicate(line) ?? new JsonFault(1, "it is not a valid request");
        return new RequestJsonException(fault.Position, fault.Problem, failure);
    }

    private static void Check(ref Utf8JsonReader reader)
    {
        string member = "";
        int members = 0, values = 0;
        var seen = new HashSet<string>(StringComparer.Ordinal);
        HashSet<string>? variables = null;
        while (reader.Read())
        {
            bool isName = reader.TokenType == JsonTokenType.PropertyName;
            if (isName)
                Count(ref members, ClientProtocol.MaxMembers, "members");
            else if (reader.TokenType is not (JsonTokenType.EndObject or JsonTokenType.EndArray))
                Count(ref values, ClientProtocol.MaxValues, "values");

            if (reader.CurrentDepth == 0)
                CheckRoot(reader);
            else if (reader.CurrentDepth == 1 && isName)
                member = Member(ref reader, seen);
            else if (reader.CurrentDepth == 1 && reader.TokenType is not (JsonTokenType.EndObject or JsonTokenType.EndArray))
                CheckValue(ref reader, member);
            else if (reader.CurrentDepth == 2 && member == EnvironmentMember)
                CheckVariable(ref reader, variables ??= new HashSet<string>(StringComparer.Ordinal));
            else if (isName || reader.TokenType == JsonTokenType.String)
                CheckText(ref reader);
        }
    }

    private static void CheckRoot(in Utf8JsonReader reader)
    {
        if (reader.TokenType is not (JsonTokenType.StartObject or JsonTokenType.EndObject))
            throw new RequestJsonException(Position(reader), "it must be a JSON object on one line");
    }

    private static string Member(ref Utf8JsonReader reader, HashSet<string> seen)
    {
        string name = Text(ref reader);
        if (!Members.Contains(name))
            throw new RequestJsonException(Position(reader), $"\"{UntrustedText.Excerpt(name)}\" is not a member of a request");
        return seen.Add(name) ? name : throw new RequestJsonException(Position(reader), $"\"{name}\" is duplicate");
    }

    private static void CheckValue(ref Utf8JsonReader reader, string member)
    {
        if (reader.TokenType == JsonTokenType.Null)
            throw new RequestJsonException(Position(reader), $"\"{member}\" is null; remove it to use the default");
        if (reader.TokenType == JsonTokenType.String)
            CheckText(ref reader);
        if (Expectation(ref reader, member) is { } expected)
            throw new RequestJsonException(Position(reader), $"\"{member}\" must be {expected}");
    }

    /// <summary>Returns the expected value of a member; null if the value matches.</summary>
    private static string? Expectation(ref Utf8JsonReader value, string member) => (member, value.TokenType) switch
    {
        ("op", _) => OperationWords.Expectation(ref value),
        ("reply", _) => ReplyForms.Expectation(ref value),
        ("job" or "ticket" or "traceparent" or "tracestate", var type) => type == JsonTokenType.String ? null : "a string",
        ("user" or "caller", JsonTokenType.String) => null,
        ("user" or "caller", var type) => type == JsonTokenType.Number && value.TryGetUInt32(out _) ? null : UserSelectorConverter.Rule,
        ("id", var type) => type == JsonTokenType.Number && value.TryGetInt64(out _) ? null : "a whole number",
        (ArgumentsMember, var type) => type == JsonTokenType.StartObject ? null : "a JSON object",
        (EnvironmentMember, var type) => type == JsonTokenType.StartObject ? null : "an object of strings",
        ("timeout", var type) => type == JsonTokenType.Number ? null : "a number of seconds",
        _ => throw new UnreachableException($"the member {member} has no type"),
    };

    private static void CheckVariable(ref Utf8JsonReader reader, HashSet<string> seen)
    {
        if (reader.TokenType == JsonTokenType.PropertyName)
        {
            string name = Text(ref reader);
            if (!seen.Add(name))
            {
                string problem = $"\"{UntrustedText.Excerpt(name)}\" is duplicate in \"{EnvironmentMember}\"";
                throw new RequestJsonException(Position(reader), problem);
            }
        }
        else if (reader.TokenType == JsonTokenType.String)
        {
            CheckText(ref reader);
        }
        else
        {
            throw new RequestJsonException(Position(reader), $"the value of a variable in \"{EnvironmentMember}\" must be a string");
        }
    }

    private static long Position(in Utf8JsonReader reader) => reader.TokenStartIndex + 1;

    /// <summary>Whether the text contains no single half of a surrogate pair, which UTF-8 would turn into another character.</summary>
    public static bool IsUnicode(string text)
    {
        for (int i = 0; i < text.Length; i++)
        {
            if (char.IsHighSurrogate(text[i]) && i + 1 < text.Length && char.IsLowSurrogate(text[i + 1]))
                i++;
            else if (char.IsSurrogate(text[i]))
                return false;
        }

        return true;
    }

    private static void Count(ref int count, int most, string what)
    {
        if (++count > most)
            throw new RequestException($"the request has more than {most} {what} in total; send large data as the job's standard input");
    }

    private static string Text(ref Utf8JsonReader reader)
    {
        try
        {
            return reader.GetString()!;
        }
        catch (InvalidOperationException failure)
        {
            throw NotUnicode(reader, failure);
        }
    }

    /// <summary>Checks the same as <see cref="Text"/>, without creating a string.</summary>
    private static void CheckText(ref Utf8JsonReader reader)
    {
        if (!reader.ValueIsEscaped)
        {
            if (!Utf8.IsValid(reader.ValueSpan))
                throw NotUnicode(reader, null);
            return;
        }

        char[] text = ArrayPool<char>.Shared.Rent(reader.ValueSpan.Length);
        try
        {
            reader.CopyString(text);
        }
        catch (InvalidOperationException failure)
        {
            throw NotUnicode(reader, failure);
        }
        finally
        {
            ArrayPool<char>.Shared.Return(text);
        }
    }

    private static RequestJsonException NotUnicode(in Utf8JsonReader reader, Exception? failure) =>
        new(Position(reader), "text that is not valid Unicode", failure);
}
