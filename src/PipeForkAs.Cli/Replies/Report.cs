using System.Text;

using PipeForkAs.Cli.Terminal;
using PipeForkAs.Protocol;
using PipeForkAs.Protocol.Client;

namespace PipeForkAs.Cli.Replies;

/// <summary>Lines on standard error that are the command's own, not the job's: each begins with <c>pipeforkas: </c>.</summary>
internal sealed class Report(LineTrackingStream error)
{
    /// <summary>Says how a job ended, unless it ended by itself: then its exit code says all.</summary>
    public void End(JobResult end)
    {
        if (end.Code is ReplyCode.Ok or ReplyCode.Failed)
            return;

        string? message = end.Error is { IsOfExecution: false } thrown ? $"{thrown.Type}: {thrown.Message}" : end.Message;
        Line(message is null ? end.Code.ToWire() : $"{end.Code.ToWire()}: {message}");
    }

    /// <summary>Writes a line of its own, also behind output that does not end with one.</summary>
    public void Line(string message)
    {
        string line = $"{(error.AtLineStart ? "" : "\n")}pipeforkas: {UntrustedText.Escape(message)}\n";
        try
        {
            error.Write(Encoding.UTF8.GetBytes(line));
            error.Flush();
        }
        catch (Exception failure) when (Failure.IsOfStreams(failure))
        {
            // Nobody reads standard error; the exit status is what is left to tell it.
        }
    }
}
