using System.Buffers;
using System.Buffers.Binary;
using System.Globalization;
using System.Text;

namespace PipeForkAs.Daemon.Systemd;

/// <summary>
/// A record in the journal's native protocol, https://systemd.io/JOURNAL_NATIVE_PROTOCOL: a sequence of fields. A value that contains a
/// newline is written with its length before it, so that a value cannot be read as another field.
/// </summary>
internal sealed class JournalRecord
{
    /// <summary>The longest name of a field; journal_field_valid() in systemd's journal-file.c.</summary>
    public const int MaxNameLength = 64;

    private const string Prefix = "PIPEFORKAS_";

    private readonly ArrayBufferWriter<byte> bytes = new(4096);

    /// <summary>The record so far.</summary>
    public ReadOnlySpan<byte> Written => bytes.WrittenSpan;

    /// <summary>Begins another record.</summary>
    public JournalRecord Clear()
    {
        bytes.ResetWrittenCount();
        return this;
    }

    /// <summary>Adds a field. Half of a surrogate pair, which is not a valid text, becomes U+FFFD.</summary>
    /// <param name="name">A valid name: see <see cref="Name"/>.</param>
    /// <param name="value">Any text.</param>
    public JournalRecord Add(string name, string value)
    {
        Span<byte> field = bytes.GetSpan(name.Length + sizeof(ulong) + 3 + Encoding.UTF8.GetMaxByteCount(value.Length));
        int at = Encoding.ASCII.GetBytes(name, field);
        if (!value.Contains('\n', StringComparison.Ordinal))
        {
            field[at++] = (byte)'=';
            at += Encoding.UTF8.GetBytes(value, field[at..]);
        }
        else
        {
            field[at++] = (byte)'\n';
            int length = Encoding.UTF8.GetBytes(value, field[(at + sizeof(ulong))..]);
            BinaryPrimitives.WriteUInt64LittleEndian(field[at..], (ulong)length);
            at += sizeof(ulong) + length;
        }

        field[at++] = (byte)'\n';
        bytes.Advance(at);
        return this;
    }

    /// <summary>Adds a number.</summary>
    public JournalRecord Add(string name, long value) => Add(name, value.ToString(CultureInfo.InvariantCulture));

    /// <summary>
    /// Returns the field for a value of that name: <c>CallerUid</c> becomes <c>PIPEFORKAS_CALLER_UID</c>. The field contains only A-Z, 0-9
    /// and '_', at most 64 characters, and begins with a letter: the journal ignores other names, or, if they begin with '_', reserves
    /// them.
    /// </summary>
    public static string Name(string name)
    {
        var field = new StringBuilder(Prefix, MaxNameLength);
        for (int i = 0; i < name.Length && field.Length < MaxNameLength; i++)
        {
            char c = name[i];
            if (char.IsAsciiLetterUpper(c) && i > 0 && (char.IsAsciiLetterLower(name[i - 1]) || char.IsAsciiDigit(name[i - 1]))
                && field.Length < MaxNameLength - 1)
                field.Append('_');
            field.Append(char.IsAsciiLetterOrDigit(c) ? char.ToUpperInvariant(c) : '_');
        }

        return field.ToString();
    }
}
