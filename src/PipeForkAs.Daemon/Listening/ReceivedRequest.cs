using PipeForkAs.Protocol.Client;

namespace PipeForkAs.Daemon.Listening;

/// <summary>A request, and the bytes that the caller sent after the request line.</summary>
/// <param name="Request">The request.</param>
/// <param name="BeginningOfInput">The first bytes of the job's stdin; may be empty.</param>
internal readonly record struct ReceivedRequest(Request Request, ReadOnlyMemory<byte> BeginningOfInput);
