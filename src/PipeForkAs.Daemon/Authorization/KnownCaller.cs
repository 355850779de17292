using System.Collections.Frozen;
using PipeForkAs.Daemon.Callers;
using PipeForkAs.LibC;
using PipeForkAs.Protocol.Worker;

namespace PipeForkAs.Daemon.Authorization;

/// <summary>
/// A caller, with the facts that the rules of a policy need. A caller can be in 65,536 groups: this class searches them once for each
/// request.
/// </summary>
internal sealed class KnownCaller
{
    private readonly HashSet<GroupId> groups = [];
    private readonly HashSet<GroupId> accountGroups = [];

    /// <param name="caller">The caller, as the kernel attests it.</param>
    /// <param name="account">The account of the caller's uid; null if there is none, or if no rule needs it.</param>
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

    public Caller Caller { get; }

    /// <summary>The account name; null if there is none, or if no rule needs it.</summary>
    public string? Name { get; }

    /// <summary>Whether the kernel attests that the caller's process is in a group.</summary>
    public bool IsIn(GroupId group) => groups.Contains(group);

    /// <summary>
    /// Whether the caller's account is in a group. The process can have dropped that group: in a user namespace, every user can do that;
    /// user_namespaces(7).
    /// </summary>
    public bool HasAccountIn(GroupId group) => accountGroups.Contains(group);
}
