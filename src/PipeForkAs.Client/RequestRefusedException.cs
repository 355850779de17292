using PipeForkAs.Protocol;
using PipeForkAs.Protocol.Client;

namespace PipeForkAs.Client;

/// <summary>The daemon refused a request that runs nothing: the job is unknown, the policy denies it, the daemon is busy ...</summary>
public sealed class RequestRefusedException : PipeForkAsException
{
    /// <summary>Creates the exception.</summary>
    /// <param name="result">How the request ended.</param>
    public RequestRefusedException(JobResult result)
        : base(Explain(result)) =>
        Result = result;

    /// <summary>How the request ended; its <see cref="JobResult.Code"/> is not <see cref="ReplyCode.Ok"/>.</summary>
    public JobResult Result { get; }

    /// <summary>The code of the result.</summary>
    public ReplyCode Code => Result.Code;

    private static string Explain(JobResult result)
    {
        ArgumentNullException.ThrowIfNull(result);
        return result.Message is null ? result.Code.ToWire() : $"{result.Code.ToWire()}: {UntrustedText.Escape(result.Message)}";
    }
}
