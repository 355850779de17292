using PipeForkAs.Protocol;
using PipeForkAs.Protocol.Client;

namespace PipeForkAs.Client;

/// <summary>A job did not succeed: it exited with a code other than 0, a signal killed it, it timed out, or the daemon did not run it.
/// </summary>
public sealed class JobFailedException : PipeForkAsException
{
    /// <summary>Creates the exception.</summary>
    /// <param name="result">How the job ended.</param>
    /// <param name="stderrExcerpt">The end of the job's standard error; null if it was not captured.</param>
    public JobFailedException(JobResult result, string? stderrExcerpt = null)
        : base(Explain(result, stderrExcerpt))
    {
        Result = result;
        StderrExcerpt = stderrExcerpt;
    }

    /// <summary>How the job ended.</summary>
    public JobResult Result { get; }

    /// <summary>The code of the result; never <see cref="ReplyCode.Ok"/> unless the program created the exception itself.</summary>
    public ReplyCode Code => Result.Code;

    /// <summary>The exit code, 0 to 255; null if a signal killed the job or no job ran.</summary>
    public int? ExitCode => Result.ExitCode;

    /// <summary>The number of the signal that killed the job, 1 to 64; null if none did.</summary>
    public int? Signal => Result.Signal;

    /// <summary>At most the last 4 KiB of the job's standard error, unescaped: a job may write control characters. Null if it was not
    /// captured.
    /// </summary>
    public string? StderrExcerpt { get; }

    private static string Explain(JobResult result, string? stderr)
    {
        ArgumentNullException.ThrowIfNull(result);
        string job = result.Job is null ? "the job" : $"the job {UntrustedText.Excerpt(result.Job)}";
        string message = result.Message is null ? "" : $": {UntrustedText.Escape(result.Message)}";
        string? last = stderr?.Split('\n', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries).LastOrDefault();
        string wrote = last is null ? "" : $"; it wrote to standard error: {UntrustedText.Excerpt(last)}";
        return $"{job} did not succeed ({result.Code.ToWire()}){message}{wrote}";
    }
}
