using System.Text.Json;

namespace PipeForkAs.Protocol.Client;

/// <summary>What the framework's readers of JSON leave to whoever asks for a text.</summary>
internal static class JsonText
{
    private static readonly JsonReaderOptions Lenient = new()
    {
        AllowTrailingCommas = true,
        CommentHandling = JsonCommentHandling.Skip,
        MaxDepth = int.MaxValue,
    };

    /// <summary>
    /// Whether no name and no string is invalid UTF-8 or half a surrogate pair. Where one is, a document throws at every look at its
    /// object, also for another name, and writes another text than it read.
    /// </summary>
    /// <exception cref="JsonException">It is not JSON.</exception>
    public static bool IsUnicode(ReadOnlySpan<byte> json)
    {
        var reader = new Utf8JsonReader(json, Lenient);
        try
        {
            while (reader.Read())
            {
                if (reader.TokenType is JsonTokenType.PropertyName or JsonTokenType.String)
                    _ = reader.GetString();
            }

            return true;
        }
        catch (InvalidOperationException)
        {
            return false;
        }
    }
}
