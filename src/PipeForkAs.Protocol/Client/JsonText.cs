using System.Text.Json;

namespace PipeForkAs.Protocol.Client;

/// <summary>Checks what .NET's JSON readers do not check until code reads a text.</summary>
internal static class JsonText
{
    private static readonly JsonReaderOptions Lenient = new()
    {
        AllowTrailingCommas = true,
        CommentHandling = JsonCommentHandling.Skip,
        MaxDepth = int.MaxValue,
    };

    /// <summary>Whether no name and no string contains invalid UTF-8 or half a surrogate pair. If one does, a document throws at every
    /// access to its object, even for another name, and writes another text than it read.
    /// </summary>
    /// <exception cref="JsonException">The text is not JSON.</exception>
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
