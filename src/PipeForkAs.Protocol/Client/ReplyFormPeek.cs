using System.Text.Json;

namespace PipeForkAs.Protocol.Client;

/// <summary>Finds the form of the reply to an invalid request. A program that requests frames expects frames in this case too, so this
/// reads the received bytes up to the first error, or to the end.
/// </summary>
public static class ReplyFormPeek
{
    /// <summary>Returns frames if the beginning of the request selects them; otherwise text.</summary>
    /// <param name="line">The received part of the request; may be anything.</param>
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
            // The request is not JSON; that is expected here.
        }
        catch (InvalidOperationException)
        {
            // A name can also be invalid text.
        }

        return form;
    }
}
