namespace PipeForkAs.Cli.Commands;

/// <summary>The ticket for a request. It is no option, because all users can see the arguments of a process; proc_pid_cmdline(5).
/// </summary>
internal static class TicketVariable
{
    public const string Name = "PIPEFORKAS_TICKET";

    /// <summary>The ticket; null for none.</summary>
    public static string? Value => Environment.GetEnvironmentVariable(Name) is { Length: > 0 } ticket ? ticket : null;
}
