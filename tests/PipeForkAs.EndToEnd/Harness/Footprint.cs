namespace PipeForkAs.EndToEnd.Harness;

/// <summary>What a daemon and its job hosts hold.</summary>
/// <param name="Descriptors">Of the daemon.</param>
/// <param name="HostDescriptors">Of all job hosts.</param>
/// <param name="DaemonBytes">The daemon's resident set.</param>
/// <param name="HostBytes">All job hosts' resident sets.</param>
/// <param name="Workers">Processes of the job hosts, zombies included.</param>
/// <param name="Zombies">Zombies among the daemon's descendants.</param>
/// <param name="Helpers">The daemon's own processes that it starts when it needs them; it holds a descriptor to each.</param>
internal sealed record Footprint(
    int Descriptors, int HostDescriptors, long DaemonBytes, long HostBytes, int Workers, int Zombies, int Helpers)
{
    /// <summary>As <see cref="DaemonProcess.Prepare"/> configures it: two for each job host.</summary>
    private const int WaitingWorkers = 4;

    private const int MostLooks = 100;

    /// <summary>What the daemon calls its own processes that it starts when it needs them.</summary>
    private const string HelperName = "pipeforkasd";

    /// <summary>Of a daemon at rest: all that wait for requests are there, and nothing else is.</summary>
    public static Task<Footprint> AtRestAsync(DaemonProcess daemon) => Crowd.UntilAsync(
        () => Of(daemon), now => now.Workers == WaitingWorkers && now.Zombies == 0 && now.Helpers == 0, TimeSpan.FromSeconds(20),
        "the daemon does not come to rest");

    /// <summary>Of a daemon as it is now.</summary>
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
                // A process ended while it was looked at.
            }
        }
    }

    private static Footprint Look(DaemonProcess daemon)
    {
        // Children that others left behind are the daemon's for a moment, too.
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

    /// <summary>Waits until a daemon at rest has no more processes and descriptors than before.</summary>
    public async Task RestoredAsync(DaemonProcess daemon, TimeSpan timeout)
    {
        await Crowd.UntilAsync(
            () => Of(daemon),
            now => now.Workers == Workers && now.Zombies == 0 && now.Helpers == 0 && now.Descriptors == Descriptors
            && now.HostDescriptors == HostDescriptors,
            timeout, $"not as before, {this}");
    }

    /// <summary>The program of a living process; null where it is gone.</summary>
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

    /// <summary>Whether memory grew by no more than so many bytes since, in the daemon and in the job hosts.</summary>
    public bool GrewLessThan(Footprint before, long bytes) =>
        DaemonBytes - before.DaemonBytes < bytes && HostBytes - before.HostBytes < bytes;
}
