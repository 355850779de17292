namespace PipeForkAs.Client.Exchanges;

/// <summary>The exit statuses of <c>pipeforkas dial</c> when it connects nothing; sysexits.h has the same numbers. An older command, which
/// has no <c>dial</c>, exits with 125.
/// </summary>
internal static class DialStatus
{
    /// <summary>The daemon cannot be reached: EX_UNAVAILABLE.</summary>
    public const int Unreachable = 69;

    /// <summary>A process of another uid listens: EX_NOPERM.</summary>
    public const int Untrusted = 77;
}
