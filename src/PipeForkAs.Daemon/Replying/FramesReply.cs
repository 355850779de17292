using PipeForkAs.Daemon.Listening;
using PipeForkAs.Protocol.Client;

namespace PipeForkAs.Daemon.Replying;

/// <summary>For programs: each piece of output with its header, and the end record last.</summary>
internal sealed class FramesReply(Connection client) : Reply(client)
{
    public override bool SeparatesStderr => true;

    public override bool TellsHowItEnded => true;

    public override ValueTask<bool> WriteAsync(ReadOnlyMemory<byte> output) => SendAsync(FrameType.Stdout, output);

    public override async ValueTask EndAsync(EndRecord record, bool atLineStart) => await SendAsync(FrameType.End, record.ToJson());

    private ValueTask<bool> SendAsync(FrameType type, ReadOnlyMemory<byte> payload)
    {
        var frame = new byte[FrameHeader.Size + payload.Length];
        new FrameHeader(type, payload.Length).Encode(frame);
        payload.CopyTo(frame.AsMemory(FrameHeader.Size));
        return Client.SendAsync(frame);
    }
}
