using System.Buffers;

using PipeForkAs.Protocol.Client;

namespace PipeForkAs.Client.Exchanges;

/// <summary>Keeps both outputs in memory, up to a limit in bytes for each.</summary>
internal sealed class MemoryTarget(int limit) : IReplyTarget
{
    private readonly ArrayBufferWriter<byte> output = new();
    private readonly ArrayBufferWriter<byte> error = new();

    public ReadOnlyMemory<byte> Output => output.WrittenMemory;

    public ReadOnlyMemory<byte> Error => error.WrittenMemory;

    public ValueTask WriteAsync(FrameType type, ReadOnlyMemory<byte> payload, CancellationToken cancellationToken)
    {
        (ArrayBufferWriter<byte> memory, JobStream name) = type == FrameType.Stdout ? (output, JobStream.Output) : (error, JobStream.Error);
        if (payload.Length > limit - memory.WrittenCount)
            throw OutputTooLargeException.OfStream(name, limit);

        memory.Write(payload.Span);
        return ValueTask.CompletedTask;
    }

    public ValueTask WriteFramesAsync(ReadOnlyMemory<byte> frames, CancellationToken cancellationToken) => ValueTask.CompletedTask;

    public ValueTask FlushAsync(CancellationToken cancellationToken) => ValueTask.CompletedTask;
}
