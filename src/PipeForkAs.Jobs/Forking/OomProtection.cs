using PipeForkAs.Jobs.Worker;
using PipeForkAs.LibC;

namespace PipeForkAs.Jobs.Forking;

/// <summary>
/// What protects the daemon when memory runs out (OOMScoreAdjust= in its unit) is not for jobs. The job host gives it up before it forks,
/// so that no worker has to: a file in /proc costs each of them more than all other limits.
/// </summary>
internal static class OomProtection
{
    /// <summary>Gives it up, and proves that a job cannot take it back.</summary>
    /// <exception cref="HostRefusedException">A job could.</exception>
    /// <exception cref="SystemCallException">The score cannot be read or written.</exception>
    public static void GiveUp()
    {
        using (FileDescriptor file = OomScore.Open())
        {
            if (OomScore.Read(file) >= 0)
                return;
        }

        OomScore.Write(0);
        HelperProcess.Run("giving up the protection from the OOM killer", ProveThatItIsGone);
    }

    /// <summary>The kernel lets a process go back to the least that a process with CAP_SYS_RESOURCE has set (proc_pid_oom_score_adj(5)).</summary>
    private static void ProveThatItIsGone()
    {
        Libc.capset(CapabilitySets.None);
        try
        {
            OomScore.Write(-1);
        }
        catch (SystemCallException failure) when (failure.Errno == Errno.EACCES)
        {
            return;
        }

        throw new HostRefusedException(
            "a job could protect itself from the OOM killer as the daemon is protected, because the daemon lacks CAP_SYS_RESOURCE; "
            + "add it to CapabilityBoundingSet=, or remove OOMScoreAdjust=");
    }
}
