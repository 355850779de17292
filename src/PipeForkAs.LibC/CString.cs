using System.Runtime.CompilerServices;
using System.Runtime.InteropServices.Marshalling;

namespace PipeForkAs.LibC;

/// <summary>A string in C's form: UTF-8 with a NUL at the end, in the caller's buffer if there is room. .NET's own marshaller creates it,
/// as in the bindings that .NET generates.
/// </summary>
internal unsafe ref struct CString
{
    /// <summary>The size of the buffer that the marshaller needs, in bytes.</summary>
    public static int BufferSize => Utf8StringMarshaller.ManagedToUnmanagedIn.BufferSize;

    private Utf8StringMarshaller.ManagedToUnmanagedIn text;

    /// <param name="value">The string.</param>
    /// <param name="buffer">A buffer on the caller's stack, where it outlives this structure.</param>
    /// <param name="name">The name of the string in a message.</param>
    /// <exception cref="ArgumentException">The string contains a NUL character.</exception>
    public CString(string value, Span<byte> buffer, [CallerArgumentExpression(nameof(value))] string name = "")
    {
        text = new();
        text.FromManaged(Check.NoNul(value, name), buffer);
    }

    /// <summary>The first byte; valid until this is disposed.</summary>
    public byte* Pointer => text.ToUnmanaged();

    public void Dispose() => text.Free();
}
