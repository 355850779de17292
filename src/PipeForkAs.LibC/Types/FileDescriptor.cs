using System.Globalization;

namespace PipeForkAs.LibC;

/// <summary>An open descriptor with one owner, which closes it. It has no finalizer, on purpose: a forked worker closes all inherited
/// descriptors in one call and then opens files with the same numbers. A finalizer that ran there would close those files.
/// </summary>
public sealed class FileDescriptor : IDisposable
{
    private int number;

    /// <summary>Takes over an open descriptor.</summary>
    /// <param name="number">The descriptor's number, 0 or more.</param>
    public FileDescriptor(int number)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(number);
        this.number = number;
    }

    /// <summary>The descriptor's number.</summary>
    /// <exception cref="ObjectDisposedException">The descriptor was closed or released.</exception>
    public int Number => number >= 0 ? number : throw new ObjectDisposedException(nameof(FileDescriptor));

    /// <summary>Whether the descriptor was closed or released.</summary>
    public bool IsClosed => number < 0;

    /// <summary>Releases the number: the caller closes it.</summary>
    /// <exception cref="ObjectDisposedException">The descriptor was closed or released.</exception>
    public int Release()
    {
        int released = Interlocked.Exchange(ref number, -1);
        return released >= 0 ? released : throw new ObjectDisposedException(nameof(FileDescriptor));
    }

    /// <summary>Closes the descriptor once. Does not report errors: close(2) releases the number whatever it returns.</summary>
    public void Dispose()
    {
        int closing = Interlocked.Exchange(ref number, -1);
        if (closing >= 0)
            Libc.close(closing);
    }

    /// <inheritdoc/>
    public override string ToString() => number >= 0 ? number.ToString(CultureInfo.InvariantCulture) : "closed";
}
