namespace PipeForkAs.Jobs.Runtime;

/// <summary>The job host cannot serve; the message says why, for the daemon's log.</summary>
internal sealed class HostRefusedException(string message) : Exception(message);
