namespace PipeForkAs.Daemon.Listening;

/// <summary>The daemon cannot listen; the message says what is in the way.</summary>
internal sealed class ListenException(string message, Exception? inner = null) : Exception(message, inner)
{
    /// <summary>The key of the configuration that names the socket; null where the service manager passed one.</summary>
    public string? Key { get; init; }
}
