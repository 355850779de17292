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
        Demand(Libc.getresuid() == new ProcessIds<UserId>(uid, uid, uid), $"the user ids are not all {uid}");
        Demand(Libc.getresgid() == new ProcessIds<GroupId>(gid, gid, gid), $"the group ids are not all {gid}");
        Demand(Libc.getgroups().AsSpan().SequenceEqual(groups), "the supplementary groups are not exactly the user's");

        DemandDenied(() => Libc.setresuid(UserId.Unchanged, UserId.Root, UserId.Unchanged), "setresuid(-1, 0, -1)");
        var otherGroup = new GroupId(gid.Value == 0 ? 1u : 0u);
        DemandDenied(() => Libc.setresgid(GroupId.Unchanged, otherGroup, GroupId.Unchanged), $"setresgid(-1, {otherGroup}, -1)");
        DemandDenied(() => Libc.setgroups([]), "setgroups(0)");

        Demand(Libc.capget() == CapabilitySets.None, "capabilities are left");
        for (int capability = 0; Libc.prctl_capbset_read(capability) is { } held; capability++)
            Demand(!held, $"the capability {capability} is left in the bounding set");
        Demand(!noNewPrivileges || Libc.prctl_get_no_new_privs(), "no_new_privs is not set");
    }

    private static void DemandDenied(Action call, string text)
    {
        try
        {
            call();
        }
        catch (SystemCallException failure) when (failure.Errno == Errno.EPERM)
        {
            return;
        }

        throw new StepFailedException(WorkerStep.Verify, Errno.None, $"{text} was not refused");
    }

    private static void Demand(bool holds, string otherwise)
    {
        if (!holds)
            throw new StepFailedException(WorkerStep.Verify, Errno.None, otherwise);
    }
}
