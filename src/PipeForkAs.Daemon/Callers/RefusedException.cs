using PipeForkAs.Protocol.Client;

namespace PipeForkAs.Daemon.Callers;

/// <summary>A request ends before a job ran. The client receives the message.</summary>
/// <param name="code">The reply code.</param>
/// <param name="message">The message for the client.</param>
/// <param name="form">The form of the reply if there is no request that determines it.</param>
internal sealed class RefusedException(ReplyCode code, string message, ReplyForm? form = null) : Exception(message)
{
    public ReplyCode Code { get; } = code;

    public ReplyForm? Form { get; } = form;
}
