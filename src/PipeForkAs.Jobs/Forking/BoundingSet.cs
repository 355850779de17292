using PipeForkAs.Jobs.Runtime;
using PipeForkAs.LibC;

namespace PipeForkAs.Jobs.Forking;

/// <summary>The capability bounding set of a job host, which its workers inherit. No program that they start can gain a capability outside
/// it, whatever the file's capabilities are. A capability that has left the set never returns (capabilities(7)), so the job host empties it
/// once, and not each worker. A job host for root keeps the set: without capabilities, root would still own the system's files, but its
/// jobs would not work as root's do.
/// </summary>
internal static class BoundingSet
{
    /// <summary>Empties the set, and checks with the kernel that it is empty.</summary>
    /// <exception cref="HostRefusedException">The set is not empty, or the kernel does not report it.</exception>
    public static void Empty()
    {
        try
        {
            int capability = 0;
            for (; Libc.prctl_capbset_read(capability) is not null; capability++)
            {
                Libc.prctl_capbset_drop(capability);
                if (Libc.prctl_capbset_read(capability) != false)
                    throw new HostRefusedException(
                        $"capability {capability} is still in the bounding set (capabilities(7)) after it was dropped: "
                        + "a job could gain it");
            }

            if (capability == 0)
                throw new HostRefusedException(
                    "the kernel reports no capabilities (PR_CAPBSET_READ), so a worker cannot verify that it has none");
        }
        catch (SystemCallException failure)
        {
            throw new HostRefusedException($"the capability bounding set cannot be emptied (this needs CAP_SETPCAP): {failure.Message}");
        }
    }
}
