namespace PipeForkAs.Daemon.Forking;

/// <summary>A job host cannot do what it is for; the message says why.</summary>
internal sealed class JobHostException(string message) : Exception(message);
