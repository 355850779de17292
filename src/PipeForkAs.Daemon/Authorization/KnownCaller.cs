using System.Collections.Frozen;
using PipeForkAs.Daemon.Callers;
using PipeForkAs.LibC;
using PipeForkAs.Protocol.Worker;

namespace PipeForkAs.Daemon.Authorization;

/// <summary>
/// A caller, and what the rules of a policy ask of it. A caller may be in 65,536 groups: they are looked through once for a request.
/// </summary>
internal sealed class KnownCaller
{
    private readonly HashSet<GroupId> groups = [];
    private readonly HashSet<GroupId> accountGroups = [];

    /// <param name="caller">The caller, as the kernel attests it.</param>
    /// <param name="account">The account of its uid; null where there is none, or no rule needs it.</param>
    /// <param name="asked">The groups that rules name as callers.</param>
    public KnownCaller(Caller caller, Account? account, FrozenSet<GroupId> asked)
    {
        Caller = caller;
        Name = account?.Name;
        if (asked.Count == 0)
            return;
        if (asked.Contains(caller.Gid))
            groups.Add(caller.Gid);
        for (int i = 0; i < caller.Groups.Count; i++)
        {
            if (asked.Contains(caller.Groups[i]))
                groups.Add(caller.Groups[i]);
        }

        foreach (uint group in account?.Groups ?? [])
        {
            if (asked.Contains(new GroupId(group)))
                accountGroups.Add(new GroupId(group));
        }
    }

    /// <summary>The caller, as the kernel attests it.</summary>
    public Caller Caller { get; }

    /// <summary>The name of its account; null where there is none, or no rule needs it.</summary>
    public string? Name { get; }

    /// <summary>Whether its process is in a group, by the kernel's word.</summary>
    public bool IsIn(GroupId group) => groups.Contains(group);

    /// <summary>
    /// Whether its account is in a group, which its process may have dropped: in a user namespace everyone may; user_namespaces(7).
    /// </summary>
    public bool HasAccountIn(GroupId group) => accountGroups.Contains(group);
}
