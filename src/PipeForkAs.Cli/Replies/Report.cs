using System.Text;

using PipeForkAs.Cli.Terminal;
using PipeForkAs.Protocol;
using PipeForkAs.Protocol.Client;

namespace PipeForkAs.Cli.Replies;

/// <summary>Writes the command's own lines to standard error, not those of the job: each begins with <c>pipeforkas: </c>.</summary>
internal sealed class Report(Output error)
{
    /// <summary>Reports how a job ended, unless it ended by itself: its exit code is then sufficient.</summary>
    public void End(JobResult end)
    {
        if (end.Code is ReplyCode.Ok or ReplyCode.Failed)
            return;

        string? message = end.Error is { IsOfExecution: false } thrown ? $"{thrown.Type}: {thrown.Message}" : end.Message;
        Line(message is null ? end.Code.ToWire() : $"{end.Code.ToWire()}: {message}");
    }

    /// <summary>Writes a message as a separate line, also after output that does not end with a line end.</summary>
    public void Line(string message)
    {
        string line = $"{(error.AtLineStart ? "" : "\n")}pipeforkas: {UntrustedText.Escape(message)}\n";
        try
        {
            error.WriteAll(Encoding.UTF8.GetBytes(line));
        }
        catch (Exception failure) when (Failure.IsOfStreams(failure))
        {
            // Nothing reads standard error; only the exit status can still report the end.
        }
    }
}
