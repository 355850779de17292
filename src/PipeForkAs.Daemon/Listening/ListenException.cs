namespace PipeForkAs.Daemon.Listening;

/// <summary>The daemon cannot listen; the message says what is in the way.</summary>
internal sealed class ListenException(string message, Exception? inner = null) : Exception(message, inner);
