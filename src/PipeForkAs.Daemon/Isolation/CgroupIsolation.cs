using System.Globalization;
using Microsoft.Extensions.Logging;
using PipeForkAs.Daemon.EventLoop;
using PipeForkAs.Daemon.Files;
using PipeForkAs.Daemon.Processes;
using PipeForkAs.LibC;

namespace PipeForkAs.Daemon.Isolation;

/// <summary>
/// A control group for each job, below the daemon's group, and next to them one group for the daemon and its job hosts
/// (<see cref="DaemonGroups"/>), because a group that enables controllers for its children cannot contain processes itself; cgroups(7).
/// </summary>
internal sealed class CgroupIsolation : JobIsolation
{
    /// <summary>How long a start waits for the killed leftover processes of an earlier daemon.</summary>
    private static readonly TimeSpan LeftPatience = TimeSpan.FromMilliseconds(300);

    private readonly Loop loop;
    private readonly string root, path;
    private readonly int generation;
    private readonly FileDescriptor hold;
    private readonly bool isOwnGroup;
    private readonly BackgroundThread thread = new("control groups");
    private readonly EndingJobs ending;

    /// <summary>
    /// Ends processes that left the group of their job: a user's service manager moves them (systemd-run --user --scope).
    /// </summary>
    private readonly EndingJobs orphans;
    private readonly SweptJob noJob = SweptJob.ForOrphans();
    private long last;

    private CgroupIsolation(
        Loop loop, ChildReaper reaper, ILogger logger, string root, string path, int generation, FileDescriptor hold, bool isOwnGroup,
        GroupControllers controllers)
    {
        this.loop = loop;
        this.root = root;
        this.path = path;
        this.generation = generation;
        this.hold = hold;
        this.isOwnGroup = isOwnGroup;
        Controllers = controllers;
        ending = new EndingJobs(loop, thread, logger, static due => () => TryEnd(due), Looked);
        orphans = new EndingJobs(loop, thread, logger, due => new SweepRound(reaper, [], path).LookFor(due), static (_, _) => { });
    }

    /// <summary>The directory that contains the groups of the jobs.</summary>
    public string Root => root;

    /// <summary>The controllers that limit jobs.</summary>
    public GroupControllers Controllers { get; }

    /// <inheritdoc/>
    public override bool PlacingBlocks => true;

    /// <inheritdoc/>
    public override bool LimitsMemory => Controllers.LimitMemory;

    /// <inheritdoc/>
    public override bool LimitsProcesses => Controllers.LimitProcesses;

    /// <summary>Whether systemd delegated a group; if a unit has Delegate=, systemd says so in an extended attribute.</summary>
    public static bool IsDelegated(string own) =>
        IsOne(Libc.getxattr(own, "trusted.delegate")) || IsOne(Libc.getxattr(own, "user.delegate"));

    /// <summary>Takes a group for the daemon.</summary>
    /// <param name="loop">The loop.</param>
    /// <param name="reaper">Knows the daemon's own processes and the workers.</param>
    /// <param name="own">The directory of the group that this process is in.</param>
    /// <param name="name">
    /// The name of the daemon's group below it; null if systemd delegated the group, so that the daemon uses all of it.
    /// </param>
    /// <param name="logger">The log.</param>
    /// <exception cref="SystemCallException">The kernel does not permit it.</exception>
    /// <exception cref="IsolationException">Another daemon uses the group, or the kernel lacks cgroup.kill (before Linux 5.14).</exception>
    public static CgroupIsolation Take(Loop loop, ChildReaper reaper, string own, string? name, ILogger logger)
    {
        string root = name is null ? own : $"{own}/{name}";
        string path = OwnCgroup.Path()?.TrimEnd('/') ?? throw new IsolationException("/proc/self/cgroup does not name a control group");
        if (name is not null)
        {
            path += $"/{name}";
            Libc.mkdir(root, 0x1ED); // 0755
        }

        if (DaemonGroups.Living(root).Count > 0)
            throw new IsolationException($"another daemon uses the control group {root}");
        return Make(loop, reaper, root, path, 1, name is null, logger);
    }

    /// <summary>Takes a group that a former daemon still uses: each daemon has its own groups in it.</summary>
    /// <param name="loop">The loop.</param>
    /// <param name="reaper">Knows the daemon's own processes and the workers.</param>
    /// <param name="offer">The group.</param>
    /// <param name="generation">The number of this daemon, more than 1.</param>
    /// <param name="logger">The log.</param>
    /// <exception cref="SystemCallException">The kernel does not permit it.</exception>
    /// <exception cref="IsolationException">Another daemon has that number.</exception>
    public static CgroupIsolation TakeShared(Loop loop, ChildReaper reaper, CgroupOffer offer, int generation, ILogger logger) =>
        Make(loop, reaper, offer.Directory, offer.Path, generation, offer.IsDelegated, logger);

    /// <summary>The group, for a daemon that takes over.</summary>
    public CgroupOffer Offer => new(root, path, isOwnGroup);

    /// <inheritdoc/>
    public override JobProcesses For(ProcessId worker) => new JobCgroup(this, NextPath(), worker);

    /// <inheritdoc/>
    public override async Task ClearAsync(Action<UserId, Task> left)
    {
        RemoveGroupsOfTheDead(left);
        foreach ((string directory, int daemon, long number) in DaemonGroups.Jobs(root).Where(job => job.Generation == generation))
        {
            // New groups get higher numbers than all groups that cannot be removed.
            last = Math.Max(last, number);
            End(directory, left);
        }

        await ending.AllOverAsync(LeftPatience);
    }

    /// <inheritdoc/>
    public override void FormerDaemonEnded(Action<UserId, Task> left) => RemoveGroupsOfTheDead(left);

    /// <inheritdoc/>
    public override async Task StopAsync()
    {
        await ending.AllOverAsync();
        orphans.Add(noJob, atOnce: true);
        await orphans.AllOverAsync();
        if (!isOwnGroup && ending.Count == 0)
        {
            Libc.rmdir(Home);
            if (DaemonGroups.Living(root).Count == 0)
                Libc.rmdir(root);
        }

        hold.Dispose();
        thread.Stop();
    }

    private string Home => $"{root}/{DaemonGroups.HomeOf(generation)}";

    internal long Timestamp => loop.Time.GetTimestamp();

    /// <summary>Returns the name of a job's group in /proc/PID/cgroup.</summary>
    internal string NameOf(string directory) => $"{path}/{Path.GetFileName(directory)}";

    /// <summary>Kills the processes in a group, off the loop: another change of control groups can delay this by milliseconds.</summary>
    internal void Kill(JobCgroup group) => loop.Start(() => thread.RunAsync(group.KillNow));

    /// <summary>Kills the processes in a group, and removes the group when it is empty.</summary>
    internal void Remove(JobCgroup group) => ending.Add(group, atOnce: false);

    /// <summary>When a group is empty, a process that left it has lost its parent and is a child of the daemon.</summary>
    private void Looked(EndingJob job, int asked)
    {
        if (job.IsOver)
            orphans.Add(noJob, atOnce: false);
    }

    private static void TryEnd(IReadOnlyList<EndingJob> due)
    {
        foreach (EndingJob one in due)
        {
            var group = (JobCgroup)one.Job;
            try
            {
                TryEnd(group, one);
            }
#pragma warning disable CA1031 // Usually no descriptors or no memory. The daemon must end this job and the others in every case.
            catch (Exception failure)
#pragma warning restore CA1031
            {
                one.Failure = failure.Message;
            }
        }
    }

    /// <summary>Removes a group, or kills the processes in it.</summary>
    private static void TryEnd(JobCgroup group, EndingJob one)
    {
        try
        {
            one.IsOver = group.TryRemove();
        }
        finally
        {
            if (!one.IsOver)
            {
                group.KillNow();
                group.KillThreads();
            }
        }

        if (one.IsLate && !one.IsOver)
            one.Living = group.LivingText();
    }

    private string NextPath() => string.Create(CultureInfo.InvariantCulture, $"{root}/{DaemonGroups.JobsOf(generation)}{++last}");

    private static CgroupIsolation Make(
        Loop loop, ChildReaper reaper, string root, string path, int generation, bool isDelegated, ILogger logger)
    {
        string home = $"{root}/{DaemonGroups.HomeOf(generation)}";
        Libc.mkdir(home, 0x1C0); // 0700: other users cannot take the lock.
        FileDescriptor hold = DaemonGroups.TryHold(home) ?? throw new IsolationException($"another daemon uses the control group {home}");
        try
        {
            if (Libc.stat($"{home}/cgroup.kill") is null)
                throw new IsolationException("the kernel's control groups have no cgroup.kill; Linux 5.14 or later is needed");
            if (isDelegated)
            {
                // Job hosts that a killed daemon left would also prevent the use of controllers.
                PlainFile.Write($"{home}/cgroup.kill", "1").OrThrow($"write(\"{home}/cgroup.kill\")");
                PlainFile.Write($"{home}/cgroup.procs", "0").OrThrow($"write(\"{home}/cgroup.procs\")");
            }

            return new CgroupIsolation(loop, reaper, logger, root, path, generation, hold, isDelegated, GroupControllers.Enable(root));
        }
        catch
        {
            hold.Dispose();
            throw;
        }
    }

    /// <summary>Ends the leftover processes of daemons that have ended, and removes the groups of these daemons.</summary>
    private void RemoveGroupsOfTheDead(Action<UserId, Task> left)
    {
        HashSet<int> kept = DaemonGroups.Living(root);
        kept.Add(generation);
        foreach ((string directory, int daemon, long _) in DaemonGroups.Jobs(root))
        {
            if (!kept.Contains(daemon))
                End(directory, left);
        }

        foreach ((string directory, int daemon) in DaemonGroups.Homes(root))
        {
            if (!kept.Contains(daemon))
                RemoveHome(directory);
        }
    }

    private void End(string directory, Action<UserId, Task> left)
    {
        var job = new JobCgroup(this, directory, default);
        job.Adopt();
        job.Release(static () => { });
        loop.Start(() => ReportLeftAsync(job, left));
    }

    private async Task ReportLeftAsync(JobCgroup job, Action<UserId, Task> left)
    {
        if (await Task.WhenAny(job.Gone, loop.DelayAsync(LeftPatience)) == job.Gone)
            return;
        UserId[] users = [];
        await thread.RunAsync(() => users = job.Users());
        foreach (UserId user in users)
            left(user, job.Gone);
    }

    /// <summary>
    /// Removes the group of a daemon that has ended. If that is not possible yet, the start of the next daemon removes it.
    /// </summary>
    private static void RemoveHome(string directory)
    {
        try
        {
            PlainFile.Write($"{directory}/cgroup.kill", "1").OrThrow($"write(\"{directory}/cgroup.kill\")");
            Libc.rmdir(directory);
        }
        catch (SystemCallException)
        {
            // Usually a process in the group has not ended yet.
        }
    }

    private static bool IsOne(byte[]? value) => value is [(byte)'1'];
}
