using System.Runtime.InteropServices;
using System.Text;

namespace PipeForkAs.LibC;

/// <summary>Strings as C wants argv and envp: an array of pointers to bytes with a NUL behind them, and a null pointer last.</summary>
internal sealed unsafe class CStringArray : IDisposable
{
    private readonly int count;

    public CStringArray(IReadOnlyList<string> strings)
    {
        foreach (string text in strings)
            Check.NoNul(text, nameof(strings));

        count = strings.Count;
        // SAFETY: room for the pointers and the null behind them; each is set before anyone reads it.
        Pointer = (byte**)NativeMemory.AllocZeroed((nuint)(count + 1), (nuint)sizeof(byte*));
        for (int i = 0; i < count; i++)
        {
            string text = strings[i];
            int length = Encoding.UTF8.GetByteCount(text);
            Pointer[i] = (byte*)NativeMemory.AllocZeroed((nuint)length + 1);
            Encoding.UTF8.GetBytes(text, new Span<byte>(Pointer[i], length));
        }
    }

    public byte** Pointer { get; private set; }

    public void Dispose()
    {
        if (Pointer is null)
            return;

        // SAFETY: the constructor allocated each of them, and null, which Free takes, stands where it did not.
        for (int i = 0; i < count; i++)
            NativeMemory.Free(Pointer[i]);
        NativeMemory.Free(Pointer);
        Pointer = null;
    }
}
