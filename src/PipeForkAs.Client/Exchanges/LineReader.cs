using System.Text;

namespace PipeForkAs.Client.Exchanges;

/// <summary>Reads lines of UTF-8, each up to a limit in bytes, because a job may write an endless line.</summary>
internal sealed class LineReader(Stream stream, int limit)
{
    private byte[] buffer = new byte[4096];
    private int start;
    private int end;

    /// <summary>Returns the next line without its <c>\n</c> or <c>\r\n</c>; null at the end.</summary>
    /// <exception cref="OutputTooLargeException">The line exceeds the limit.</exception>
    public async ValueTask<string?> ReadAsync(CancellationToken cancellationToken)
    {
        int searched = 0;
        while (true)
        {
            int length = buffer.AsSpan(start + searched, end - start - searched).IndexOf((byte)'\n');
            if (length >= 0)
                return Take(searched + length, 1);

            searched = end - start;
            if (searched > limit || searched == Array.MaxLength)
                throw OutputTooLargeException.OfLine(limit);

            MakeRoom();
            int count = await stream.ReadAsync(buffer.AsMemory(end), cancellationToken).ConfigureAwait(false);
            if (count == 0)
                return searched == 0 ? null : Take(searched, 0);
            end += count;
        }
    }

    private string Take(int length, int terminator)
    {
        if (length > limit)
            throw OutputTooLargeException.OfLine(limit);

        ReadOnlySpan<byte> line = buffer.AsSpan(start, length);
        start += length + terminator;
        if (terminator > 0 && line is [.., (byte)'\r'])
            line = line[..^1];
        return Encoding.UTF8.GetString(line);
    }

    private void MakeRoom()
    {
        if (start > 0)
        {
            buffer.AsSpan(start, end - start).CopyTo(buffer);
            end -= start;
            start = 0;
        }

        if (end == buffer.Length)
            Array.Resize(ref buffer, (int)Math.Min(Array.MaxLength, 2L * buffer.Length));
    }
}
