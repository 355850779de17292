using System.Text;
using PipeForkAs.Daemon.Listening;
using PipeForkAs.Protocol;
using PipeForkAs.Protocol.Client;

namespace PipeForkAs.Daemon.Replying;

/// <summary>For people and shell scripts: the output as it is, and a last line where anything but exit 0 happened.</summary>
internal sealed class TextReply(Connection client) : Reply(client)
{
    public override bool SeparatesStderr => false;

    public override bool IncludesExit => false;

    public override ValueTask<bool> WriteAsync(ReadOnlyMemory<byte> output) => Client.SendAsync(output);

    /// <summary>
    /// The last line of an answer to a request that did not go well. A job chooses what its exception says: it must be neither a second
    /// line nor a terminal's escape sequence.
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
