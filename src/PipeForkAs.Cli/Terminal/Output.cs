using PipeForkAs.LibC;

namespace PipeForkAs.Cli.Terminal;

/// <summary>Takes bytes of an output.</summary>
internal abstract class Output
{
    /// <summary>Whether nothing was written yet, or the last character was a line end.</summary>
    public bool AtLineStart { get; private set; } = true;

    /// <summary>Returns the descriptor to poll for writing before a write; null if a write may be made at once.</summary>
    /// <param name="mayBlock">Whether the write may wait for a reader. If not, it waits for nothing but a disk.</param>
    /// <exception cref="IOException">The output takes nothing; its <see cref="Exception.HResult"/> is errno.</exception>
    public abstract FileDescriptor? Awaited(bool mayBlock);

    /// <summary>Writes some bytes, after <see cref="Awaited"/> was ready; returns their number, which may be 0.</summary>
    /// <param name="bytes">The bytes.</param>
    /// <param name="mayBlock">As for <see cref="Awaited"/>.</param>
    /// <exception cref="IOException">The output takes no more; its <see cref="Exception.HResult"/> is errno.</exception>
    public int Write(ReadOnlySpan<byte> bytes, bool mayBlock)
    {
        int count = WriteSome(bytes, mayBlock);
        if (count > 0)
            AtLineStart = bytes[count - 1] == (byte)'\n';
        return count;
    }

    /// <summary>Writes all bytes, and waits as long as that takes.</summary>
    /// <exception cref="IOException">The output takes no more; its <see cref="Exception.HResult"/> is errno.</exception>
    public void WriteAll(ReadOnlySpan<byte> bytes)
    {
        while (!bytes.IsEmpty)
        {
            if (Awaited(mayBlock: true) is { } descriptor)
                Libc.poll([new PollEntry(descriptor, PollEvents.POLLOUT)], -1);
            bytes = bytes[Write(bytes, mayBlock: true)..];
        }
    }

    protected abstract int WriteSome(ReadOnlySpan<byte> bytes, bool mayBlock);
}
