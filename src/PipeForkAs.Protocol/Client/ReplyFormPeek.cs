using System.Text.Json;

namespace PipeForkAs.Protocol.Client;

/// <summary>
/// The form in which to tell that a request is none. A program that asks for frames wants to read that in frames, too: what came is
/// read up to its first error, or its end.
/// </summary>
public static class ReplyFormPeek
{
    /// <summary>Frames where the beginning of a request asks for them; else text.</summary>
    /// <param name="line">What came of the request; may be anything.</param>
    public static ReplyForm Of(ReadOnlySpan<byte> line)
    {
        var form = ReplyForm.Text;
        var reader = new Utf8JsonReader(
            line, isFinalBlock: false, new JsonReaderState(new JsonReaderOptions { MaxDepth = ClientProtocol.MaxDepth }));
        try
        {
            while (reader.Read())
            {
                if (reader.TokenType == JsonTokenType.PropertyName && reader.CurrentDepth == 1 && reader.ValueTextEquals("reply"u8)
                    && reader.Read())
                    form = reader.TokenType == JsonTokenType.String && reader.ValueTextEquals("frames"u8)
                        ? ReplyForm.Frames
                        : ReplyForm.Text;
            }
        }
        catch (JsonException)
        {
            // That it is no JSON is why somebody asks.
        }
        catch (InvalidOperationException)
        {
            // Nor need a name be text.
        }

        return form;
    }
}
