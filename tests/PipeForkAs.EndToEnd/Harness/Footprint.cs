namespace PipeForkAs.EndToEnd.Harness;

/// <summary>What a daemon and its job hosts hold.</summary>
/// <param name="Descriptors">Of the daemon.</param>
/// <param name="HostDescriptors">Of all job hosts.</param>
/// <param name="DaemonBytes">The daemon's resident set.</param>
/// <param name="HostBytes">All job hosts' resident sets.</param>
/// <param name="Workers">Processes of the job hosts, zombies included.</param>
/// <param name="Zombies">Zombies among the daemon's descendants.</param>
internal sealed record Footprint(int Descriptors, int HostDescriptors, long DaemonBytes, long HostBytes, int Workers, int Zombies)
{
    public static Footprint Of(DaemonProcess daemon)
    {
        IReadOnlyList<int> hosts = daemon.JobHosts;
        int[] descendants = [.. ProcFs.Descendants(daemon.Pid)];
        return new Footprint(
            ProcFs.Descriptors(daemon.Pid),
            hosts.Sum(ProcFs.Descriptors),
            ProcFs.ResidentBytes(daemon.Pid),
            hosts.Sum(ProcFs.ResidentBytes),
            descendants.Length - hosts.Count,
            descendants.Count(pid => ProcFs.Stat(pid) is { State: 'Z' }));
    }

    /// <summary>Waits until a daemon at rest has no more processes and descriptors than before.</summary>
    public async Task RestoredAsync(DaemonProcess daemon, TimeSpan timeout)
    {
        await Crowd.UntilAsync(
            () => Of(daemon),
            now => now.Workers == Workers && now.Zombies == 0 && now.Descriptors == Descriptors && now.HostDescriptors == HostDescriptors,
            timeout, $"not as before, {this}");
    }

    /// <summary>Whether memory grew by no more than so many bytes since, in the daemon and in the job hosts.</summary>
    public bool GrewLessThan(Footprint before, long bytes) => DaemonBytes - before.DaemonBytes < bytes && HostBytes - before.HostBytes < bytes;
}
