using System.Buffers;
using System.Text;

namespace PipeForkAs.Daemon.Authorization;

/// <summary>
/// A path that a request gives as bytes, in base64: a name in a file system need not be text. A job that takes the argument <c>path</c>
/// takes <c>pathBytes</c> in its place, and so does a rule that looks at <c>path</c>.
/// </summary>
/// <param name="Text">
/// Its characters. A byte that is not a part of UTF-8 is the half of a surrogate pair that has the byte in its last eight bits, which no
/// text holds: so two paths differ here if, and only if, they differ in bytes.
/// </param>
/// <param name="IsText">Whether all of it is UTF-8.</param>
internal readonly record struct PathBytes(string Text, bool IsText)
{
    /// <summary>What the name of such an argument ends with.</summary>
    public const string Suffix = "Bytes";

    private const int FirstHalf = 0xDC00;

    /// <summary>Reads one. Null where it is not base64, or not as an encoder writes it: a job might read something else.</summary>
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
