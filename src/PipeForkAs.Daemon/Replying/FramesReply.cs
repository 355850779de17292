using PipeForkAs.Daemon.Listening;
using PipeForkAs.Protocol.Client;

namespace PipeForkAs.Daemon.Replying;

/// <summary>The reply for programs: each piece of output with its header, and the end record last.</summary>
internal sealed class FramesReply(Connection client) : Reply(client)
{
    public override bool SeparatesStderr => true;

    public override bool IncludesExit => true;

    public override ValueTask<bool> WriteAsync(ReadOnlyMemory<byte> output) => SendAsync(FrameType.Stdout, output);

    /// <summary>Returns the last frame.</summary>
    public static byte[] EndFrame(EndRecord record) => Frame(FrameType.End, record.ToJson());

    public override async ValueTask EndAsync(EndRecord record, bool atLineStart) => await Client.SendAsync(EndFrame(record));

    private ValueTask<bool> SendAsync(FrameType type, ReadOnlyMemory<byte> payload) => Client.SendAsync(Frame(type, payload.Span));

    private static byte[] Frame(FrameType type, ReadOnlySpan<byte> payload)
    {
        var frame = new byte[FrameHeader.Size + payload.Length];
        new FrameHeader(type, payload.Length).Encode(frame);
        payload.CopyTo(frame.AsSpan(FrameHeader.Size));
        return frame;
    }
}
