using System.Globalization;
using System.Text;
using PipeForkAs.Daemon.Listening;
using PipeForkAs.Protocol.Client;

namespace PipeForkAs.Daemon.Replying;

/// <summary>For people and shell scripts: the output as it is, and a last line where anything but exit 0 happened.</summary>
internal sealed class TextReply(Connection client) : Reply(client)
{
    public override bool SeparatesStderr => false;

    public override bool IncludesExit => false;

    public override ValueTask<bool> WriteAsync(ReadOnlyMemory<byte> output) => Client.SendAsync(output);

    /// <summary>The last line of an answer to a request that did not go well.</summary>
    public static byte[] EndLine(EndRecord record, bool atLineStart) =>
        Encoding.UTF8.GetBytes($"{(atLineStart ? "" : "\n")}pipeforkas: {record.Code.ToWire()}: {OneLine(record.Message ?? "")}\n");

    public override async ValueTask EndAsync(EndRecord record, bool atLineStart)
    {
        if (record.Code != ReplyCode.Ok)
            await Client.SendAsync(EndLine(record, atLineStart));
    }

    /// <summary>A job chooses what its exception says: it must be neither a second line nor a terminal's escape sequence.</summary>
    private static string OneLine(string message)
    {
        var line = new StringBuilder(message.Length);
        foreach (char c in message)
        {
            if (char.IsControl(c) || c is '\u2028' or '\u2029')
                line.Append(CultureInfo.InvariantCulture, $"\\u{(int)c:x4}");
            else
                line.Append(c);
        }

        return line.ToString();
    }
}
