using PipeForkAs.LibC;

namespace PipeForkAs.Jobs.Worker;

/// <summary>
/// The unit protects the daemon from the OOM killer (OOMScoreAdjust=); jobs must not inherit that. The job host gives it up before it
/// forks, so that workers need not: a file in /proc costs a worker more than all other limits.
/// </summary>
internal static class OomProtection
{
    private static ReadOnlySpan<byte> Warning =>
        "pipeforkas: a job can protect itself from the OOM killer as the daemon is protected, because CAP_SYS_RESOURCE is missing\n"u8;

    /// <summary>Gives it up. Returns false if there was none.</summary>
    /// <exception cref="SystemCallException">The score cannot be read or written.</exception>
    public static bool GiveUp()
    {
        using (FileDescriptor file = OomScore.Open())
        {
            if (OomScore.Read(file) >= 0)
                return false;
        }

        OomScore.Write(0);
        return true;
    }

    /// <summary>Warns on stderr, which is the daemon's, that a job could take it back.</summary>
    public static void Warn()
    {
#pragma warning disable CA2000 // The descriptor is the process's own, and stays open.
        var stderr = new FileDescriptor(2);
#pragma warning restore CA2000
        Libc.write(stderr, Warning);
        stderr.Release();
    }

    /// <summary>
    /// Takes it back, and writes a byte if that works; in a process of its own. A process may go back to the score that one with
    /// CAP_SYS_RESOURCE set last; proc_pid_oom_score_adj(5).
    /// </summary>
    public static void TryToTakeBack(FileDescriptor output)
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

        Libc.write(output, "1"u8).OrThrow("write(the check of the OOM score)");
    }
}
