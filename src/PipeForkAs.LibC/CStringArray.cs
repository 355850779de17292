using System.Runtime.InteropServices;
using System.Text;

namespace PipeForkAs.LibC;

/// <summary>Strings in C's form of argv and envp: an array of pointers to bytes that end with a NUL, and a null pointer at the end.
/// Everything is in one block, the pointers first.
/// </summary>
public sealed unsafe class CStringArray : IDisposable
{
    /// <summary>Creates the array.</summary>
    /// <exception cref="ArgumentException">A string contains a NUL character.</exception>
    public CStringArray(ReadOnlySpan<string> strings)
    {
        // SAFETY: the block has the size that Fill needs.
        Pointer = (byte**)NativeMemory.Alloc(Size(strings));
        Fill(strings, (byte*)Pointer);
    }

    /// <summary>The address of the array, for C functions; 0 after it is freed.</summary>
    public nint Address => (nint)Pointer;

    internal byte** Pointer { get; private set; }

    /// <summary>Returns the size of the block in bytes.</summary>
    /// <exception cref="ArgumentException">A string contains a NUL character.</exception>
    internal static nuint Size(ReadOnlySpan<string> strings)
    {
        nuint size = (nuint)(strings.Length + 1) * (nuint)sizeof(byte*);
        foreach (string text in strings)
            size += (nuint)Encoding.UTF8.GetByteCount(Check.NoNul(text, nameof(strings))) + 1;
        return size;
    }

    /// <summary>Fills a block of at least <see cref="Size"/> bytes.</summary>
    internal static void Fill(ReadOnlySpan<string> strings, byte* block)
    {
        // SAFETY: the caller's block has room for the pointers, and after them for each string and its NUL.
        var pointers = (byte**)block;
        byte* next = block + (strings.Length + 1) * sizeof(byte*);
        for (int i = 0; i < strings.Length; i++)
        {
            pointers[i] = next;
            int length = Encoding.UTF8.GetByteCount(strings[i]);
            Encoding.UTF8.GetBytes(strings[i], new Span<byte>(next, length));
            next[length] = 0;
            next += length + 1;
        }

        pointers[strings.Length] = null;
    }

    /// <summary>Frees the block.</summary>
    public void Dispose()
    {
        // SAFETY: the constructor allocated it; Free accepts null.
        NativeMemory.Free(Pointer);
        Pointer = null;
    }
}
