using PipeForkAs.Client.Exchanges;
using PipeForkAs.Protocol;

namespace PipeForkAs.Client;

/// <summary>ssh(1) or the host that it reaches failed. The message says on which side, with the words of that side. If
/// <see cref="ExitStatus"/> is 255, the connection can have ended after the request: then it is unknown whether the job ran.
/// </summary>
public sealed class RemoteHostException : PipeForkAsException
{
    /// <summary>The status of ssh if it fails itself; ssh(1).</summary>
    private const int SshFailed = 255;

    /// <summary>The statuses of a shell for a command that it cannot execute or find.</summary>
    private const int CannotExecute = 126, NotFound = 127;

    /// <summary>The status of a command without <c>dial</c>.</summary>
    private const int NoDial = 125;

    private const int MaxWords = 600;

    internal RemoteHostException(string host, int? exitStatus, string words)
        : base(Explain(UntrustedText.Excerpt(host), exitStatus, Last(words)))
    {
        Host = host;
        ExitStatus = exitStatus;
    }

    internal RemoteHostException(string host, string problem, Exception cause)
        : base(
            $"ssh for {UntrustedText.Excerpt(host)} cannot be started: {UntrustedText.Excerpt(problem)}; install openssh-client", cause) =>
        Host = host;

    /// <summary>The host, as <c>[user@]host[:port]</c>.</summary>
    public string Host { get; }

    /// <summary>The exit status of ssh: 255 if it failed itself, else that of <c>pipeforkas dial</c> on the host; null if ssh has not
    /// started or a signal ended it.
    /// </summary>
    public int? ExitStatus { get; }

    private static string Explain(string host, int? status, string words) => status switch
    {
        null => $"a signal ended ssh to {host}",
        0 => $"the daemon on {host} closed the connection without a reply; see there: journalctl -u pipeforkas",
        SshFailed => $"ssh to {host} failed{words}",
        NotFound => $"there is no command pipeforkas on {host}{words}; install pipeforkas there",
        CannotExecute => $"the command pipeforkas on {host} cannot be executed{words}",
        NoDial => $"the command pipeforkas on {host} is too old for remote requests{words}; upgrade pipeforkas there",
        DialStatus.Unreachable or DialStatus.Untrusted => $"on {host}{words}",
        _ => FormattableString.Invariant($"pipeforkas dial on {host} ended with status {status}{words}"),
    };

    /// <summary>The end of what ssh wrote, as one line.</summary>
    private static string Last(string words)
    {
        string line = string.Join(
            "; ", UntrustedText.Lines(words).Select(text => text.Replace("\\r", "", StringComparison.Ordinal).Trim())
                .Where(text => text.Length > 0));
        line = line.StartsWith("pipeforkas: ", StringComparison.Ordinal) ? line["pipeforkas: ".Length..] : line;
        return line.Length == 0 ? "" : ": " + (line.Length > MaxWords ? "..." + line[^MaxWords..] : line);
    }
}
