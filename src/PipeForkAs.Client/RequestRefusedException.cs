using PipeForkAs.Protocol;
using PipeForkAs.Protocol.Client;

namespace PipeForkAs.Client;

/// <summary>The daemon answered, but not with what was asked for: a job is unknown, the policy denies it, the daemon is busy ...</summary>
public sealed class RequestRefusedException : PipeForkAsException
{
    internal RequestRefusedException(EndRecord end)
        : base(end.Message is null ? end.Code.ToWire() : $"{end.Code.ToWire()}: {UntrustedText.Escape(end.Message)}") =>
        End = end;

    /// <summary>How the request ended; its <see cref="EndRecord.Code"/> is not <see cref="ReplyCode.Ok"/>.</summary>
    public EndRecord End { get; }
}
