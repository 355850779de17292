namespace PipeForkAs.Daemon.Isolation;

/// <summary>A control group that daemons share.</summary>
/// <param name="Directory">Its directory.</param>
/// <param name="Path">Its path in /proc/PID/cgroup.</param>
/// <param name="IsDelegated">Whether the service manager delegated it; else the first daemon made it.</param>
internal sealed record CgroupOffer(string Directory, string Path, bool IsDelegated);
