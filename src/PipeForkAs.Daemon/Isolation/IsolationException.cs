namespace PipeForkAs.Daemon.Isolation;

/// <summary>Jobs cannot be isolated as the configuration requires; the message says why, and what to do.</summary>
internal sealed class IsolationException(string message, Exception? inner = null) : Exception(message, inner);
