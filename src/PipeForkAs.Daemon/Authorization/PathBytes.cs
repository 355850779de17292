using System.Buffers;
using System.Text;

namespace PipeForkAs.Daemon.Authorization;

/// <summary>
/// A path that a request gives as bytes, in base64: a name in a file system can be other than text. A job with the argument <c>path</c>
/// accepts <c>pathBytes</c> instead, and so does a rule with a condition on <c>path</c>.
/// </summary>
/// <param name="Text">
/// The characters of the path. A byte that is not part of valid UTF-8 becomes one half of a surrogate pair, with the byte in its last eight
/// bits. No text contains that, so two paths differ here if, and only if, their bytes differ.
/// </param>
/// <param name="IsText">Whether the whole path is UTF-8.</param>
internal readonly record struct PathBytes(string Text, bool IsText)
{
    /// <summary>The suffix of the name of such an argument.</summary>
    public const string Suffix = "Bytes";

    private const int FirstHalf = 0xDC00;

    /// <summary>
    /// Reads a path. Returns null if the text is not base64, or is not in the form that an encoder writes: a job might read something else.
    /// </summary>
    public static PathBytes? Read(string base64)
    {
        byte[] room = new byte[base64.Length];
        if (!Convert.TryFromBase64String(base64, room, out int count) || Convert.ToBase64String(room, 0, count) != base64)
            return null;
        var text = new StringBuilder(count);
        bool isText = true;
        for (ReadOnlySpan<byte> rest = room.AsSpan(0, count); !rest.IsEmpty;)
        {
            if (Rune.DecodeFromUtf8(rest, out Rune rune, out int length) == OperationStatus.Done)
            {
                text.Append(rune.ToString());
            }
            else
            {
                isText = false;
                foreach (byte other in rest[..length])
                    text.Append((char)(FirstHalf + other));
            }

            rest = rest[length..];
        }

        return new PathBytes(text.ToString(), isText);
    }
}
