namespace PipeForkAs.Daemon.Upgrading;

/// <summary>A new daemon cannot take over; the running daemon continues. The message says why.</summary>
internal sealed class UpgradeException(string message, Exception? inner = null) : Exception(message, inner);
