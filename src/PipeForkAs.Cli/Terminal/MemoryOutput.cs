using System.Buffers;

using PipeForkAs.LibC;

namespace PipeForkAs.Cli.Terminal;

/// <summary>Keeps an output in memory, up to a limit in bytes.</summary>
internal sealed class MemoryOutput(JobStream stream, int limit) : Output
{
    private readonly ArrayBufferWriter<byte> memory = new();

    public ReadOnlyMemory<byte> Written => memory.WrittenMemory;

    public override FileDescriptor? Awaited(bool mayBlock) => null;

    /// <exception cref="OutputTooLargeException">The output exceeds the limit.</exception>
    protected override int WriteSome(ReadOnlySpan<byte> bytes, bool mayBlock)
    {
        if (bytes.Length > limit - memory.WrittenCount)
            throw OutputTooLargeException.OfStream(stream, limit);
        memory.Write(bytes);
        return bytes.Length;
    }
}
