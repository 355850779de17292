using PipeForkAs.LibC;
using PipeForkAs.Protocol.Worker;

namespace PipeForkAs.Jobs.Worker;

/// <summary>
/// Asks the kernel whether the worker is the user and nothing else, and tries the way back to root, which must fail: as OpenSSH
/// does in permanently_set_uid (uidswap.c). A call that claimed success without effect is found here.
/// </summary>
internal static class Verification
{
    public static void Check(UserId uid, GroupId gid, GroupId[] groups, bool noNewPrivileges)
    {
        Demand(Libc.getresuid().AllAre(uid), "the user ids are not all the user's");
        Demand(Libc.getresgid().AllAre(gid), "the group ids are not all the user's primary group");
        Demand(AreSame(Libc.getgroups(), groups), "the supplementary groups are not exactly the user's");

        Demand(!noNewPrivileges || Libc.prctl_get_no_new_privs(), "no_new_privs is not set");
        if (uid == UserId.Root)
            return; // There is nothing to come back to.

        ThrowUnlessDenied(Libc.refused_setresuid(UserId.Unchanged, UserId.Root, UserId.Unchanged), "setresuid(-1, 0, -1)");
        var otherGroup = new GroupId(gid.Value == 0 ? 1u : 0u);
        ThrowUnlessDenied(Libc.refused_setresgid(GroupId.Unchanged, otherGroup, GroupId.Unchanged), "setresgid to another group");
        ThrowUnlessDenied(Libc.refused_setgroups([]), "setgroups(0)");

        Demand(Libc.capget() == CapabilitySets.None, "capabilities are left");
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
            throw new StepFailedException(WorkerStep.Verify, refusal, $"{call} was not refused as it must be");
    }

    /// <summary>The texts are constant, so that a worker that is as it should be builds none.</summary>
    private static void Demand(bool holds, string otherwise)
    {
        if (!holds)
            throw new StepFailedException(WorkerStep.Verify, Errno.None, otherwise);
    }
}
