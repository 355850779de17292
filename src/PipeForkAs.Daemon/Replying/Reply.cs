using PipeForkAs.Daemon.Listening;
using PipeForkAs.Protocol.Client;

namespace PipeForkAs.Daemon.Replying;

/// <summary>The form in which a client gets its answer.</summary>
internal abstract class Reply(Connection client)
{
    protected Connection Client { get; } = client;

    /// <summary>Whether stdout and stderr stay apart.</summary>
    public abstract bool SeparatesStderr { get; }

    /// <summary>Whether a client is told how the worker ended also where all is well.</summary>
    public abstract bool IncludesExit { get; }

    /// <summary>The form that a request asks for.</summary>
    public static Reply For(ReplyForm form, Connection client) =>
        form == ReplyForm.Frames ? new FramesReply(client) : new TextReply(client);

    /// <summary>The whole reply to a request that is refused before anything else was sent.</summary>
    public static byte[] OfRefusal(ReplyForm form, EndRecord record) =>
        form == ReplyForm.Frames ? FramesReply.EndFrame(record) : TextReply.EndLine(record, atLineStart: true);

    /// <summary>Sends the daemon's own output, as of <c>list</c>.</summary>
    public abstract ValueTask<bool> WriteAsync(ReadOnlyMemory<byte> output);

    /// <summary>Tells how it ended; the last that is sent.</summary>
    /// <param name="record">How.</param>
    /// <param name="atLineStart">Whether the output so far ends with a line's end.</param>
    public abstract ValueTask EndAsync(EndRecord record, bool atLineStart);
}
