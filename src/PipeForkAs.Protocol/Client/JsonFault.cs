using System.ComponentModel;
using System.Text;
using System.Text.Json;

namespace PipeForkAs.Protocol.Client;

/// <summary>The position and kind of a fault in JSON, in the project's own words. It uses the position that the reader reports, but not the
/// reader's message: that message names .NET's types and options, and can differ between versions.
/// </summary>
/// <param name="Position">The byte at which the fault is; 1 is the first.</param>
/// <param name="Problem">What is wrong there, on one line.</param>
[EditorBrowsable(EditorBrowsableState.Never)]
public readonly record struct JsonFault(long Position, string Problem)
{
    private const int MaxShown = 20;

    /// <summary>Returns the fault for which a reader rejected a text.</summary>
    /// <param name="json">All the text that the reader got.</param>
    /// <param name="failure">The exception of a reader or a document with <see cref="ClientProtocol.MaxDepth"/>.</param>
    public static JsonFault Of(ReadOnlySpan<byte> json, JsonException failure)
    {
        ArgumentNullException.ThrowIfNull(failure);

        // The readers report a position for every fault except one.
        if (failure.BytePositionInLine is not { } inLine)
            return Duplicate(json) ?? new JsonFault(1, "a member is duplicate in an object");
        int at = (int)Math.Min(LineStart(json, failure.LineNumber ?? 0) + inLine, json.Length);
        return new JsonFault(at + 1, ProblemAt(json, at));
    }

    /// <summary>Returns the first name that appears twice in an object; null if there is none.</summary>
    /// <param name="json">JSON.</param>
    internal static JsonFault? Duplicate(ReadOnlySpan<byte> json)
    {
        var reader = new Utf8JsonReader(json, new JsonReaderOptions { MaxDepth = int.MaxValue });
        var open = new Stack<HashSet<string>>();
        try
        {
            while (reader.Read())
            {
                if (reader.TokenType == JsonTokenType.StartObject)
                    open.Push(new HashSet<string>(StringComparer.Ordinal));
                else if (reader.TokenType == JsonTokenType.EndObject)
                    open.Pop();
                else if (reader.TokenType == JsonTokenType.PropertyName && reader.GetString()! is var name && !open.Peek().Add(name))
                    return new JsonFault(reader.TokenStartIndex + 1, $"\"{UntrustedText.Excerpt(name)}\" is duplicate in an object");
            }
        }
        catch (Exception failure) when (failure is JsonException or InvalidOperationException)
        {
            // The text is not JSON, or a name is not valid text: that is a different fault.
        }

        return null;
    }

    private static string ProblemAt(ReadOnlySpan<byte> json, int at)
    {
        ReadOnlySpan<byte> rest = json[at..].Trim(" \t\r\n"u8);
        if (rest.IsEmpty)
            return "it ends too early; close the open bracket or quote";
        if (rest[0] is (byte)'{' or (byte)'[' && Depth(json[..at]) >= ClientProtocol.MaxDepth)
            return $"objects and arrays are nested more than {ClientProtocol.MaxDepth} levels deep";
        string shown = Encoding.UTF8.GetString(rest[..Math.Min(rest.Length, 2 * MaxShown)]);
        return $"{UntrustedText.Excerpt(shown, MaxShown)} is not expected here; look for a missing or an extra comma, quote or bracket";
    }

    private static int LineStart(ReadOnlySpan<byte> json, long line)
    {
        int start = 0;
        for (; line > 0 && json[start..].IndexOf((byte)'\n') is >= 0 and var end; line--)
            start += end + 1;
        return start;
    }

    /// <summary>Counts the objects and arrays that are open at the end of a valid beginning of JSON.</summary>
    private static int Depth(ReadOnlySpan<byte> json)
    {
        int depth = 0;
        bool inText = false;
        for (int i = 0; i < json.Length; i++)
        {
            if (inText && json[i] == (byte)'\\')
                i++;
            else if (json[i] == (byte)'"')
                inText = !inText;
            else if (!inText)
                depth += json[i] switch { (byte)'{' or (byte)'[' => 1, (byte)'}' or (byte)']' => -1, _ => 0 };
        }

        return depth;
    }
}
