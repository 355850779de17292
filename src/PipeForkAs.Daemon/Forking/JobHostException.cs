namespace PipeForkAs.Daemon.Forking;

/// <summary>A job host cannot do what it is for; the message says why.</summary>
internal sealed class JobHostException(string message) : Exception(message)
{
    /// <summary>The executable of the job host that cannot be started; null where that is not the matter.</summary>
    public string? Path { get; init; }
}
