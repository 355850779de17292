namespace PipeForkAs.Cli.Commands;

/// <summary>What a command line of <c>dial</c> says.</summary>
/// <param name="Socket"><c>--socket</c>.</param>
/// <param name="DaemonUid"><c>--daemon-uid</c>; null for any.</param>
internal sealed record DialOptions(string? Socket, uint? DaemonUid);
