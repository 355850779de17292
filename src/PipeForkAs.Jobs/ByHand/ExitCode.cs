namespace PipeForkAs.Jobs.ByHand;

/// <summary>Exit codes that do not come from a job; the command <c>pipeforkas</c> uses the same numbers.</summary>
internal static class ExitCode
{
    public const int Success = 0;

    /// <summary>The function threw an exception, or the registration is refused.</summary>
    public const int Threw = 1;

    /// <summary>The command line or the job's arguments are wrong; the job did not run.</summary>
    public const int BadArguments = 125;

    public const int UnknownJob = 127;
}
