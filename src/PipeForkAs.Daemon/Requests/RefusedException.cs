using PipeForkAs.Protocol.Client;

namespace PipeForkAs.Daemon.Requests;

/// <summary>A request ends before a job ran. The message is the client's to read.</summary>
internal sealed class RefusedException(ReplyCode code, string message) : Exception(message)
{
    public ReplyCode Code { get; } = code;
}
