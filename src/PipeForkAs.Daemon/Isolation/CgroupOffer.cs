namespace PipeForkAs.Daemon.Isolation;

/// <summary>A control group that daemons share.</summary>
/// <param name="Directory">The directory of the group.</param>
/// <param name="Path">The path of the group in /proc/PID/cgroup.</param>
/// <param name="IsDelegated">Whether systemd delegated the group; otherwise the first daemon made it.</param>
internal sealed record CgroupOffer(string Directory, string Path, bool IsDelegated);
