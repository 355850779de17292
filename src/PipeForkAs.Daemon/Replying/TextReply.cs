using System.Text;
using PipeForkAs.Daemon.Listening;
using PipeForkAs.Protocol;
using PipeForkAs.Protocol.Client;

namespace PipeForkAs.Daemon.Replying;

/// <summary>The reply for people and shell scripts: the unchanged output, and a last line for any result except exit code 0.</summary>
internal sealed class TextReply(Connection client) : Reply(client)
{
    public override bool SeparatesStderr => false;

    public override bool IncludesExit => false;

    public override ValueTask<bool> WriteAsync(ReadOnlyMemory<byte> output) => Client.SendAsync(output);

    /// <summary>
    /// Returns the last line of the reply to a request that failed. A job chooses the message of its exception, so the message is escaped:
    /// it must not contain another line or an escape sequence for terminals.
    /// </summary>
    public static byte[] EndLine(EndRecord record, bool atLineStart)
    {
        string message = UntrustedText.Escape(record.Message ?? "");
        return Encoding.UTF8.GetBytes($"{(atLineStart ? "" : "\n")}pipeforkas: {record.Code.ToWire()}: {message}\n");
    }

    public override async ValueTask EndAsync(EndRecord record, bool atLineStart)
    {
        if (record.Code != ReplyCode.Ok)
            await Client.SendAsync(EndLine(record, atLineStart));
    }
}
