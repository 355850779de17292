using PipeForkAs.Daemon.Listening;
using PipeForkAs.Protocol.Client;

namespace PipeForkAs.Daemon.Replying;

/// <summary>The form of a caller's reply.</summary>
internal abstract class Reply(Connection client)
{
    protected Connection Client { get; } = client;

    /// <summary>Whether stdout and stderr are separate.</summary>
    public abstract bool SeparatesStderr { get; }

    /// <summary>Whether the reply says how the worker ended even after success.</summary>
    public abstract bool IncludesExit { get; }

    /// <summary>Creates the form that a request specifies.</summary>
    public static Reply For(ReplyForm form, Connection client) =>
        form == ReplyForm.Frames ? new FramesReply(client) : new TextReply(client);

    /// <summary>Returns the complete reply to a request that is refused before anything was sent.</summary>
    public static byte[] OfRefusal(ReplyForm form, EndRecord record) =>
        form == ReplyForm.Frames ? FramesReply.EndFrame(record) : TextReply.EndLine(record, atLineStart: true);

    /// <summary>Sends the daemon's own output, for example of <c>list</c>.</summary>
    public abstract ValueTask<bool> WriteAsync(ReadOnlyMemory<byte> output);

    /// <summary>Sends the end record as the last part of the reply.</summary>
    /// <param name="record">The end record.</param>
    /// <param name="atLineStart">Whether the output so far ends with a line break.</param>
    public abstract ValueTask EndAsync(EndRecord record, bool atLineStart);
}
