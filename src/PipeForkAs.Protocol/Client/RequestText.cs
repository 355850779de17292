using System.Buffers;
using System.Text.Json;
using System.Text.Unicode;

namespace PipeForkAs.Protocol.Client;

/// <summary>Rules for a request's text that the deserializer does not know.</summary>
internal static class RequestText
{
    private static readonly HashSet<string> Members = [.. RequestJson.Default.Request.Properties.Select(property => property.Name)];

    /// <summary>
    /// Refuses members that a request does not have, members that are null (a variable that a script forgot to set must not stand
    /// for "the caller itself"), and text that is no text, at every depth: invalid UTF-8, or half a surrogate pair. Refuses more members
    /// and values than a request may have, before anything that costs more for each of them.
    /// </summary>
    /// <exception cref="JsonException">It is no JSON.</exception>
    /// <exception cref="RequestException">It breaks one of the rules.</exception>
    public static void Check(ReadOnlySpan<byte> line)
    {
        var reader = new Utf8JsonReader(line, new JsonReaderOptions { MaxDepth = ClientProtocol.MaxDepth });
        string member = "";
        int members = 0, values = 0;
        while (reader.Read())
        {
            if (reader.TokenType == JsonTokenType.PropertyName)
                Count(ref members, ClientProtocol.MaxMembers, "members");
            else if (reader.TokenType is not (JsonTokenType.EndObject or JsonTokenType.EndArray))
                Count(ref values, ClientProtocol.MaxValues, "values");
            if (reader.CurrentDepth == 1 && reader.TokenType == JsonTokenType.PropertyName)
            {
                string text = Text(ref reader);
                member = Members.Contains(text) ? text : throw new RequestException($"\"{OneLine.Of(text)}\" is no member of a request");
            }
            else if (reader.TokenType is JsonTokenType.PropertyName or JsonTokenType.String)
            {
                CheckText(ref reader);
            }
            else if (reader.CurrentDepth == 1 && reader.TokenType == JsonTokenType.Null)
            {
                throw new RequestException($"\"{member}\" is null; leave it out for its default");
            }
        }
    }

    /// <summary>Whether no half of a surrogate pair stands alone: UTF-8 would turn it into another character.</summary>
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
            throw new RequestException($"the request has more than {most} {what} in all; send large data as the job's standard input");
    }

    private static string Text(ref Utf8JsonReader reader)
    {
        try
        {
            return reader.GetString()!;
        }
        catch (InvalidOperationException failure)
        {
            throw NotUnicode(failure);
        }
    }

    /// <summary>What <see cref="Text"/> checks, without making a string.</summary>
    private static void CheckText(ref Utf8JsonReader reader)
    {
        if (!reader.ValueIsEscaped)
        {
            if (!Utf8.IsValid(reader.ValueSpan))
                throw NotUnicode(null);
            return;
        }

        char[] text = ArrayPool<char>.Shared.Rent(reader.ValueSpan.Length);
        try
        {
            reader.CopyString(text);
        }
        catch (InvalidOperationException failure)
        {
            throw NotUnicode(failure);
        }
        finally
        {
            ArrayPool<char>.Shared.Return(text);
        }
    }

    private static RequestException NotUnicode(Exception? failure) => new("the request holds text that is not valid Unicode", failure);
}
