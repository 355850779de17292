using System.Text;

namespace PipeForkAs.Client.Exchanges;

/// <summary>Keeps the last bytes of an output.</summary>
internal sealed class OutputTail
{
    private const int Size = 4096;

    private readonly byte[] bytes = new byte[Size];
    private int count;

    public void Add(ReadOnlySpan<byte> piece)
    {
        if (piece.Length > Size)
            piece = piece[^Size..];
        int kept = Math.Min(count, Size - piece.Length);
        bytes.AsSpan(count - kept, kept).CopyTo(bytes);
        piece.CopyTo(bytes.AsSpan(kept));
        count = kept + piece.Length;
    }

    public string Text() => Text(bytes.AsSpan(0, count));

    /// <summary>Returns the end of an output as text. The text does not start within a character.</summary>
    public static string Text(ReadOnlySpan<byte> output)
    {
        if (output.Length >= Size)
        {
            output = output[^Size..];
            while (!output.IsEmpty && (output[0] & 0xC0) == 0x80)
                output = output[1..];
        }

        return Encoding.UTF8.GetString(output);
    }
}
