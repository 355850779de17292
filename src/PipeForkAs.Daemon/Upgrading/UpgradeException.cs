namespace PipeForkAs.Daemon.Upgrading;

/// <summary>A new daemon cannot take over; the one that runs goes on. The message says why.</summary>
internal sealed class UpgradeException(string message, Exception? inner = null) : Exception(message, inner);
