namespace PipeForkAs.Daemon.Upgrading;

/// <summary>How this process became the daemon.</summary>
/// <param name="From">The former daemon from which it takes over; null where the service manager, or a person, started it.</param>
internal sealed record TakenOver(Predecessor? From);
