namespace PipeForkAs.Jobs.ByHand;

/// <summary>Exit codes that are not a job's own: the same numbers as those of the command <c>pipeforkas</c>.</summary>
internal static class ExitCode
{
    public const int Success = 0;

    /// <summary>The function threw, or the registration is refused.</summary>
    public const int Threw = 1;

    /// <summary>The command line, or the arguments of the job: it did not run.</summary>
    public const int BadArguments = 125;

    public const int UnknownJob = 127;
}
