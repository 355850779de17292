using PipeForkAs.LibC;
using PipeForkAs.Protocol.Worker;

namespace PipeForkAs.Jobs.Worker;

/// <summary>Checks with the kernel that the worker is the user and nothing else, and tries to return to root, which must fail: as OpenSSH
/// does in permanently_set_uid (uidswap.c). This finds a call that reported success without effect.
/// </summary>
internal static class Verification
{
    public static void Check(UserId uid, GroupId gid, GroupId[] groups, bool noNewPrivileges)
    {
        Demand(Libc.getresuid().AllAre(uid), "the user ids do not all match the user");
        Demand(Libc.getresgid().AllAre(gid), "the group ids do not all match the user's primary group");
        Demand(AreSame(Libc.getgroups(), groups), "the supplementary groups do not match the user's groups");

        Demand(!noNewPrivileges || Libc.prctl_get_no_new_privs(), "no_new_privs is not set");
        if (uid == UserId.Root)
            return; // There is no other user to return to.

        ThrowUnlessDenied(Libc.refused_setresuid(UserId.Unchanged, UserId.Root, UserId.Unchanged), "setresuid(-1, 0, -1)");
        var otherGroup = new GroupId(gid.Value == 0 ? 1u : 0u);
        ThrowUnlessDenied(Libc.refused_setresgid(GroupId.Unchanged, otherGroup, GroupId.Unchanged), "setresgid to another group");
        ThrowUnlessDenied(Libc.refused_setgroups([]), "setgroups(0)");

        Demand(Libc.capget() == CapabilitySets.None, "the worker still has capabilities");
    }

    private static bool AreSame(GroupId[] one, GroupId[] other)
    {
        bool same = one.Length == other.Length;
        for (int i = 0; same && i < one.Length; i++)
            same = one[i] == other[i];
        return same;
    }

    private static void ThrowUnlessDenied(Errno refusal, string call)
    {
        if (refusal != Errno.EPERM)
            throw new StepFailedException(WorkerStep.Verify, refusal, $"the kernel did not refuse {call}");
    }

    /// <summary>The texts are constants, so that a correct worker builds none.</summary>
    private static void Demand(bool holds, string otherwise)
    {
        if (!holds)
            throw new StepFailedException(WorkerStep.Verify, Errno.None, otherwise);
    }
}
