namespace PipeForkAs.Daemon.Listening;

/// <summary>The daemon cannot listen; the message says why.</summary>
internal sealed class ListenException(string message, Exception? inner = null) : Exception(message, inner)
{
    /// <summary>The configuration key of the socket; null if systemd passed the socket.</summary>
    public string? Key { get; init; }
}
