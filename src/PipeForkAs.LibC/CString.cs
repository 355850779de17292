using System.Runtime.CompilerServices;
using System.Runtime.InteropServices.Marshalling;

namespace PipeForkAs.LibC;

/// <summary>
/// A string as C wants it: UTF-8 with a NUL after it, in the caller's buffer where there is room. The framework's own marshaller makes it,
/// as in the bindings that the framework generates.
/// </summary>
internal unsafe ref struct CString
{
    /// <summary>The buffer's size that the marshaller asks for, in bytes.</summary>
    public static int BufferSize => Utf8StringMarshaller.ManagedToUnmanagedIn.BufferSize;

    private Utf8StringMarshaller.ManagedToUnmanagedIn text;

    /// <param name="value">The string.</param>
    /// <param name="buffer">On the caller's stack, where it lives longer than this.</param>
    /// <param name="name">What the string is called.</param>
    /// <exception cref="ArgumentException">The string holds a NUL character.</exception>
    public CString(string value, Span<byte> buffer, [CallerArgumentExpression(nameof(value))] string name = "")
    {
        text = new();
        text.FromManaged(Check.NoNul(value, name), buffer);
    }

    /// <summary>The first byte; good until this is disposed of.</summary>
    public byte* Pointer => text.ToUnmanaged();

    public void Dispose() => text.Free();
}
