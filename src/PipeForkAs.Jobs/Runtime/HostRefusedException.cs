namespace PipeForkAs.Jobs.Runtime;

/// <summary>The job host cannot serve; the daemon logs the message, which says why.</summary>
internal sealed class HostRefusedException(string message) : Exception(message);
