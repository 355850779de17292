namespace PipeForkAs.Client;

/// <summary>The names of <see cref="ReplyCode"/> in the protocol.</summary>
public static class ReplyCodes
{
    /// <summary>In the order of the values, which start at 0.</summary>
    internal static readonly (string Word, ReplyCode Code)[] Words =
    [
        ("ok", ReplyCode.Ok),
        ("failed", ReplyCode.Failed),
        ("signaled", ReplyCode.Signaled),
        ("error", ReplyCode.Error),
        ("timeout", ReplyCode.Timeout),
        ("cancelled", ReplyCode.Cancelled),
        ("output-limit", ReplyCode.OutputLimit),
        ("bad-request", ReplyCode.BadRequest),
        ("too-large", ReplyCode.TooLarge),
        ("unknown-job", ReplyCode.UnknownJob),
        ("unknown-user", ReplyCode.UnknownUser),
        ("bad-args", ReplyCode.BadArguments),
        ("denied", ReplyCode.Denied),
        ("busy", ReplyCode.Busy),
        ("host-lost", ReplyCode.HostLost),
        ("shutting-down", ReplyCode.ShuttingDown),
        ("internal", ReplyCode.Internal),
    ];

    /// <summary>Returns the code as a reply contains it, for example <c>bad-request</c>.</summary>
    /// <exception cref="ArgumentOutOfRangeException">The value is not a <see cref="ReplyCode"/>.</exception>
    public static string ToWire(this ReplyCode code) =>
        (uint)code < (uint)Words.Length
        ? Words[(int)code].Word
        : throw new ArgumentOutOfRangeException(nameof(code), code, "not a reply code");
}
