using PipeForkAs.Jobs.Runtime;
using PipeForkAs.LibC;

namespace PipeForkAs.Jobs.Forking;

/// <summary>
/// The capability bounding set of a job host, which its workers inherit: no program that they start can gain a capability which is not in
/// it, whatever its file says. What left it never comes back (capabilities(7)), so that it is emptied once, and not by each worker. A job
/// host for root keeps it: without capabilities root would still own the system's files, and yet not do what it was named for.
/// </summary>
internal static class BoundingSet
{
    /// <summary>Empties it, and asks the kernel whether it is empty.</summary>
    /// <exception cref="HostRefusedException">It is not, or the kernel does not say.</exception>
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
                        $"capability {capability} is left in the bounding set (capabilities(7)), though it was dropped: "
                        + "a job could gain it");
            }

            if (capability == 0)
                throw new HostRefusedException(
                    "the kernel does not tell of any capability (PR_CAPBSET_READ): no worker could prove that it has none");
        }
        catch (SystemCallException failure)
        {
            throw new HostRefusedException($"the capability bounding set cannot be emptied, which needs CAP_SETPCAP: {failure.Message}");
        }
    }
}
