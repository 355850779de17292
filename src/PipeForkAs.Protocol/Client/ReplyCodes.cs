namespace PipeForkAs.Protocol.Client;

/// <summary>The words that <see cref="ReplyCode"/> has on the wire.</summary>
public static class ReplyCodes
{
    /// <summary>The code as it is written in a reply, for example <c>bad-request</c>.</summary>
    public static string ToWire(this ReplyCode code) => code switch
    {
        ReplyCode.Ok => "ok",
        ReplyCode.Failed => "failed",
        ReplyCode.Signaled => "signaled",
        ReplyCode.Error => "error",
        ReplyCode.Timeout => "timeout",
        ReplyCode.Cancelled => "cancelled",
        ReplyCode.OutputLimit => "output-limit",
        ReplyCode.BadRequest => "bad-request",
        ReplyCode.TooLarge => "too-large",
        ReplyCode.UnknownJob => "unknown-job",
        ReplyCode.UnknownUser => "unknown-user",
        ReplyCode.BadArguments => "bad-args",
        ReplyCode.Denied => "denied",
        ReplyCode.Busy => "busy",
        ReplyCode.HostLost => "host-lost",
        ReplyCode.ShuttingDown => "shutting-down",
        ReplyCode.Internal => "internal",
        _ => throw new ArgumentOutOfRangeException(nameof(code), code, "not a reply code"),
    };
}
