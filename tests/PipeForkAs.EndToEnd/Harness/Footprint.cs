namespace PipeForkAs.EndToEnd.Harness;

/// <summary>The resources of a daemon and its job hosts.</summary>
/// <param name="Descriptors">Of the daemon.</param>
/// <param name="HostDescriptors">Of all job hosts.</param>
/// <param name="DaemonBytes">The daemon's resident set.</param>
/// <param name="HostBytes">All job hosts' resident sets.</param>
/// <param name="Workers">Processes of the job hosts, zombies included.</param>
/// <param name="Zombies">Zombies among the daemon's descendants.</param>
/// <param name="Helpers">The helper processes that the daemon starts when it needs them; it has a descriptor of each.</param>
internal sealed record Footprint(
    int Descriptors, int HostDescriptors, long DaemonBytes, long HostBytes, int Workers, int Zombies, int Helpers)
{
    /// <summary>As <see cref="DaemonProcess.Prepare"/> configures it: two for each job host.</summary>
    private const int WaitingWorkers = 4;

    private const int MostLooks = 100;

    /// <summary>The names of the helper processes of the daemon.</summary>
    private const string HelperName = "pipeforkasd";

    /// <summary>For an idle daemon: all workers wait, and nothing else exists.</summary>
    public static Task<Footprint> AtRestAsync(DaemonProcess daemon) => Crowd.UntilAsync(
        () => Of(daemon), now => now.Workers == WaitingWorkers && now.Zombies == 0 && now.Helpers == 0, TimeSpan.FromSeconds(20),
        "the daemon does not come to rest");

    /// <summary>For a daemon at this moment.</summary>
    public static Footprint Of(DaemonProcess daemon)
    {
        for (int look = 1; ; look++)
        {
            try
            {
                return Look(daemon);
            }
            catch (IOException) when (look < MostLooks)
            {
                // A process ended while it was inspected.
            }
        }
    }

    private static Footprint Look(DaemonProcess daemon)
    {
        // Orphans are also children of the daemon for a moment.
        int[] hosts = [
            .. daemon.JobHosts.Where(
                pid => ProgramOf(pid) is { } program && (program == NativeBuild.StockJobs || program == NativeBuild.TestJobs))];
        int[] all = [.. ProcFs.Descendants(daemon.Pid)];
        int[] descendants = [.. all.Where(pid => ProgramOf(pid) != HelperName)];
        return new Footprint(
            ProcFs.Descriptors(daemon.Pid),
            hosts.Sum(ProcFs.Descriptors),
            ProcFs.ResidentBytes(daemon.Pid),
            hosts.Sum(ProcFs.ResidentBytes),
            descendants.Length - hosts.Length,
            descendants.Count(pid => ProcFs.Stat(pid) is { State: 'Z' }),
            all.Length - descendants.Length);
    }

    /// <summary>Waits until an idle daemon has no more processes and descriptors than before.</summary>
    public async Task RestoredAsync(DaemonProcess daemon, TimeSpan timeout)
    {
        await Crowd.UntilAsync(
            () => Of(daemon),
            now => now.Workers == Workers && now.Zombies == 0 && now.Helpers == 0 && now.Descriptors == Descriptors
            && now.HostDescriptors == HostDescriptors,
            timeout, $"not as before, {this}");
    }

    /// <summary>The program of a living process; null if it has ended.</summary>
    public static string? ProgramOf(int pid)
    {
        try
        {
            return ProcFs.Stat(pid) is { State: not 'Z' } ? File.ReadAllText($"/proc/{pid}/cmdline").Split('\0')[0] : null;
        }
        catch (IOException)
        {
            return null;
        }
    }

    /// <summary>Whether the memory of the daemon and of the job hosts grew by no more than a number of bytes since.</summary>
    public bool GrewLessThan(Footprint before, long bytes) =>
        DaemonBytes - before.DaemonBytes < bytes && HostBytes - before.HostBytes < bytes;
}
