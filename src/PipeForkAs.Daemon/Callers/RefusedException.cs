using PipeForkAs.Protocol.Client;

namespace PipeForkAs.Daemon.Callers;

/// <summary>A request ends before a job ran. The message is the client's to read.</summary>
/// <param name="code">The reply's code.</param>
/// <param name="message">For the client.</param>
/// <param name="form">The reply's form where there is no request that says it.</param>
internal sealed class RefusedException(ReplyCode code, string message, ReplyForm? form = null) : Exception(message)
{
    public ReplyCode Code { get; } = code;

    public ReplyForm? Form { get; } = form;
}
