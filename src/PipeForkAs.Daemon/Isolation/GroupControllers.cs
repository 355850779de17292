using System.Globalization;
using PipeForkAs.Daemon.Files;
using PipeForkAs.LibC;

namespace PipeForkAs.Daemon.Isolation;

/// <summary>The controllers that limit jobs: memory, pids, cpu, or fewer; cgroups(7).</summary>
internal sealed class GroupControllers
{
    private readonly HashSet<string> enabled = new(StringComparer.Ordinal);

    public bool LimitMemory => enabled.Contains("memory");

    public bool LimitProcesses => enabled.Contains("pids");

    /// <summary>
    /// Enables controllers for the groups of jobs. A controller that cannot be enabled limits nothing; the others still apply.
    /// </summary>
    /// <param name="root">The directory that contains the groups of the jobs.</param>
    public static GroupControllers Enable(string root)
    {
        var controllers = new GroupControllers();
        string[] offered = PlainFile.Read($"{root}/cgroup.controllers").Split([' ', '\n'], StringSplitOptions.RemoveEmptyEntries);
        foreach (string controller in offered.Where(name => name is "memory" or "pids" or "cpu"))
        {
            if (!PlainFile.Write($"{root}/cgroup.subtree_control", $"+{controller}").Failed)
                controllers.enabled.Add(controller);
        }

        return controllers;
    }

    /// <summary>Prepares a new group, before the worker enters it.</summary>
    /// <exception cref="SystemCallException">The kernel does not permit it.</exception>
    public void Prepare(string group)
    {
        // If one process runs out of memory, the kernel kills the whole job: the rest of it would be of no use.
        if (LimitMemory)
            Set(group, "memory.oom.group", "1");
    }

    /// <summary>Sets the limits of a job for which there are controllers.</summary>
    /// <exception cref="SystemCallException">The kernel does not permit it.</exception>
    public void Limit(string group, GroupLimits limits)
    {
        if (LimitMemory && limits.MemoryMax is { } memory)
            Set(group, "memory.max", memory.ToString(CultureInfo.InvariantCulture));
        if (LimitProcesses && limits.PidsMax is { } processes)
            Set(group, "pids.max", processes.ToString(CultureInfo.InvariantCulture));
        if (enabled.Contains("cpu") && limits.CpuWeight is { } weight)
            Set(group, "cpu.weight", weight.ToString(CultureInfo.InvariantCulture));
    }

    /// <summary>Returns the names of the controllers, for the log.</summary>
    public override string ToString() =>
        enabled.Count == 0 ? "no controller" : string.Join(", ", enabled.Order(StringComparer.Ordinal));

    private static void Set(string group, string file, string value) =>
        PlainFile.Write($"{group}/{file}", value).OrThrow($"write(\"{group}/{file}\", {value})");
}
