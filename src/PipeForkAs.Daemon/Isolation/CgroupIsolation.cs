using System.Globalization;
using Microsoft.Extensions.Logging;
using PipeForkAs.Daemon.EventLoop;
using PipeForkAs.Daemon.Forking;
using PipeForkAs.LibC;

namespace PipeForkAs.Daemon.Isolation;

/// <summary>
/// A control group for each job, below the daemon's own: <c>job-N</c>, and beside them <c>daemon</c> for the daemon and its job hosts,
/// since a group that passes controllers on may hold no processes itself; cgroups(7).
/// </summary>
internal sealed class CgroupIsolation : JobIsolation
{
    private const string OwnName = "daemon";
    private const string JobPrefix = "job-";

    private readonly Loop loop;
    private readonly string root, path;
    private readonly FileDescriptor hold;
    private readonly bool isOwnGroup;
    private readonly HashSet<string> controllers;
    private readonly SideThread thread = new("control groups");
    private readonly EndingJobs ending;

    /// <summary>Ends processes that left their job's group: a user's service manager moves them (systemd-run --user --scope).</summary>
    private readonly EndingJobs strays;
    private readonly SweptJob noJob = SweptJob.ForStrays();
    private long last;

    private CgroupIsolation(
        Loop loop, ChildReaper reaper, ILogger logger, string root, string path, FileDescriptor hold, bool isOwnGroup,
        HashSet<string> controllers)
    {
        this.loop = loop;
        this.root = root;
        this.path = path;
        this.hold = hold;
        this.isOwnGroup = isOwnGroup;
        this.controllers = controllers;
        ending = new EndingJobs(loop, thread, logger, static due => () => TryEnd(due), Looked);
        strays = new EndingJobs(loop, thread, logger, due => new SweepRound(reaper, [], path).LookFor(due), static (_, _) => { });
    }

    /// <summary>The directory below which the jobs' groups are.</summary>
    public string Root => root;

    /// <summary>The controllers that limit jobs: memory, pids, cpu, or fewer.</summary>
    public IReadOnlyCollection<string> Controllers => controllers;

    /// <inheritdoc/>
    public override bool PlacingBlocks => true;

    /// <inheritdoc/>
    public override bool LimitsMemory => controllers.Contains("memory");

    /// <inheritdoc/>
    public override bool LimitsProcesses => controllers.Contains("pids");

    /// <summary>Whether the service manager has handed a group over, which says so in an extended attribute: systemd does where a unit has Delegate=.</summary>
    public static bool IsDelegated(string own) => IsOne(Libc.getxattr(own, "trusted.delegate")) || IsOne(Libc.getxattr(own, "user.delegate"));

    /// <summary>Takes a group for the daemon.</summary>
    /// <param name="loop">The loop.</param>
    /// <param name="reaper">Knows the daemon's own processes and the workers.</param>
    /// <param name="own">The directory of the group that this process is in.</param>
    /// <param name="name">What the daemon's group below it is called; null where the group was delegated, and is the daemon's whole.</param>
    /// <param name="logger">The log.</param>
    /// <exception cref="SystemCallException">The kernel does not let it.</exception>
    /// <exception cref="IsolationException">Another daemon has it, or the kernel lacks cgroup.kill (before Linux 5.14).</exception>
    public static CgroupIsolation Take(Loop loop, ChildReaper reaper, string own, string? name, ILogger logger)
    {
        string root = name is null ? own : $"{own}/{name}";
        string path = OwnCgroup.Path()?.TrimEnd('/') ?? throw new IsolationException("/proc/self/cgroup does not name a control group");
        if (name is not null)
            Libc.mkdir(root, 0x1ED); // 0755
        string home = $"{root}/{OwnName}";
        Libc.mkdir(home, 0x1C0); // 0700: nobody else can hold the lock.
        FileDescriptor hold = Libc.open(home, OpenFlags.O_RDONLY | OpenFlags.O_DIRECTORY);
        try
        {
            if (!Libc.flock_exclusive(hold))
                throw new IsolationException($"another daemon uses the control group {root}");
            if (Libc.stat($"{home}/cgroup.kill") is null)
                throw new IsolationException("the kernel's control groups have no cgroup.kill; Linux 5.14 or later is needed");

            if (name is null)
            {
                // Job hosts that a killed daemon left behind would be in the way of controllers just as well.
                PlainFile.Write($"{home}/cgroup.kill", "1").OrThrow($"write(\"{home}/cgroup.kill\")");
                PlainFile.Write($"{home}/cgroup.procs", "0").OrThrow($"write(\"{home}/cgroup.procs\")");
            }

            if (name is not null)
                path += $"/{name}";
            return new CgroupIsolation(loop, reaper, logger, root, path, hold, name is null, PassOn(root));
        }
        catch
        {
            hold.Dispose();
            throw;
        }
    }

    /// <inheritdoc/>
    public override JobProcesses For(ProcessId worker) => new JobCgroup(this, NextPath(), worker);

    /// <inheritdoc/>
    public override async Task ClearAsync()
    {
        foreach (string path in Directory.GetDirectories(root, JobPrefix + "*"))
        {
            // New groups get higher numbers than any that cannot be removed.
            if (long.TryParse(Path.GetFileName(path.AsSpan())[JobPrefix.Length..], NumberStyles.None, CultureInfo.InvariantCulture, out long number))
                last = Math.Max(last, number);
            var left = new JobCgroup(this, path, default);
            left.Adopt();
            left.Release(static () => { });
        }

        await ending.AllOverAsync();
    }

    /// <inheritdoc/>
    public override async Task StopAsync()
    {
        await ending.AllOverAsync();
        strays.Add(noJob, atOnce: true);
        await strays.AllOverAsync();
        if (!isOwnGroup && ending.Count == 0)
        {
            Libc.rmdir($"{root}/{OwnName}");
            Libc.rmdir(root);
        }

        hold.Dispose();
        thread.Stop();
    }

    /// <summary>The time.</summary>
    internal long Timestamp => loop.Time.GetTimestamp();

    /// <summary>The name that /proc/PID/cgroup has for a job's group.</summary>
    internal string NameOf(string directory) => $"{path}/{Path.GetFileName(directory)}";

    /// <summary>Makes a new group ready, before the worker comes into it.</summary>
    internal void Prepare(string path)
    {
        // One process out of memory ends the whole job: what is left of it would be of no use.
        if (LimitsMemory)
            Set(path, "memory.oom.group", "1");
    }

    /// <summary>Sets what a job is limited to, as far as there are controllers for it.</summary>
    internal void Limit(string path, GroupLimits limits)
    {
        if (LimitsMemory && limits.MemoryMax is { } memory)
            Set(path, "memory.max", memory.ToString(CultureInfo.InvariantCulture));
        if (LimitsProcesses && limits.PidsMax is { } processes)
            Set(path, "pids.max", processes.ToString(CultureInfo.InvariantCulture));
        if (controllers.Contains("cpu") && limits.CpuWeight is { } weight)
            Set(path, "cpu.weight", weight.ToString(CultureInfo.InvariantCulture));
    }

    /// <summary>Kills the processes in a group, off the loop: another change of control groups can delay it by milliseconds.</summary>
    internal void Kill(JobCgroup group) => loop.Start(() => thread.RunAsync(group.KillNow));

    /// <summary>Kills what lives in a group, and removes it once nothing does.</summary>
    internal void Remove(JobCgroup group) => ending.Add(group, atOnce: false);

    /// <summary>Once a group is empty, a process that left it has lost its parent and is a child of the daemon.</summary>
    private void Looked(EndingJob job, int asked)
    {
        if (job.IsOver)
            strays.Add(noJob, atOnce: false);
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
#pragma warning disable CA1031 // No descriptors or no memory, mostly. Whatever it is, this job and the others must be ended all the same.
            catch (Exception failure)
#pragma warning restore CA1031
            {
                one.Failure = failure.Message;
            }
        }
    }

    /// <summary>Removes a group, or kills what lives in it.</summary>
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

    private string NextPath() => string.Create(CultureInfo.InvariantCulture, $"{root}/{JobPrefix}{++last}");

    /// <summary>Passes controllers on to the jobs' groups. One that cannot be passed on limits nothing; the others still do.</summary>
    private static HashSet<string> PassOn(string root)
    {
        var passed = new HashSet<string>(StringComparer.Ordinal);
        string[] offered = PlainFile.Read($"{root}/cgroup.controllers").Split([' ', '\n'], StringSplitOptions.RemoveEmptyEntries);
        foreach (string controller in offered.Where(name => name is "memory" or "pids" or "cpu"))
        {
            if (!PlainFile.Write($"{root}/cgroup.subtree_control", $"+{controller}").Failed)
                passed.Add(controller);
        }

        return passed;
    }

    private static void Set(string path, string file, string value) => PlainFile.Write($"{path}/{file}", value).OrThrow($"write(\"{path}/{file}\", {value})");

    private static bool IsOne(byte[]? value) => value is [(byte)'1'];
}
