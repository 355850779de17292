using System.Runtime.InteropServices;
using PipeForkAs.Protocol.Client;

namespace PipeForkAs.Daemon.Listening;

/// <summary>A request, and the bytes that the caller sent after the request line.</summary>
/// <param name="Request">The request.</param>
/// <param name="BeginningOfInput">
/// The first bytes of the job's stdin, or of the password of <c>sign-in</c>; may be empty.
/// </param>
internal readonly record struct ReceivedRequest(Request Request, ReadOnlyMemory<byte> BeginningOfInput)
{
    /// <summary>Overwrites the bytes after the line, which can be a password.</summary>
    public void Clear() => MemoryMarshal.AsMemory(BeginningOfInput).Span.Clear();
}
