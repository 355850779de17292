namespace PipeForkAs.Daemon.Forking;

/// <summary>A job host cannot do its work; the message says why.</summary>
internal sealed class JobHostException(string message) : Exception(message)
{
    /// <summary>The executable of the job host that cannot be started; null if the failure has another cause.</summary>
    public string? Path { get; init; }
}
