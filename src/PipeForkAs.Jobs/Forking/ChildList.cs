using PipeForkAs.LibC;

namespace PipeForkAs.Jobs.Forking;

/// <summary>The kernel's list of this process's children, zombies included: proc_tid_children(5).</summary>
internal sealed class ChildList
{
    private readonly FileDescriptor file;
    private readonly byte[] text = new byte[4096];

    private ChildList(FileDescriptor file) => this.file = file;

    /// <summary>Opens the list of a process with one thread; null if the kernel does not provide it (CONFIG_PROC_CHILDREN).</summary>
    /// <exception cref="SystemCallException">The list cannot be opened.</exception>
    public static ChildList? Open()
    {
        try
        {
            return new ChildList(Libc.open("/proc/thread-self/children", OpenFlags.O_RDONLY));
        }
        catch (SystemCallException failure) when (failure.Errno == Errno.ENOENT)
        {
            return null;
        }
    }

    /// <summary>Finds unknown children. Nothing else may reap a child meanwhile: the kernel would then skip other children.</summary>
    /// <param name="known">The children to leave out.</param>
    /// <param name="found">Receives the process ids.</param>
    /// <returns>How many were found, at most the length of <paramref name="found"/>.</returns>
    /// <exception cref="SystemCallException">The list cannot be read.</exception>
    public int FindOthers(HashSet<int> known, Span<int> found)
    {
        int count = 0, number = 0, length;
        for (long offset = 0; count < found.Length && (length = Read(offset)) > 0; offset += length)
        {
            // Each number ends with a space. It can begin in one chunk and end in the next.
            for (int i = 0; i < length && count < found.Length; i++)
            {
                if (text[i] is >= (byte)'0' and <= (byte)'9')
                {
                    number = (number * 10) + text[i] - '0';
                    continue;
                }

                if (number > 0 && !known.Contains(number))
                    found[count++] = number;
                number = 0;
            }
        }

        return count;
    }

    private int Read(long offset) => Libc.pread(file, text, offset).OrThrow("pread(children)");
}
