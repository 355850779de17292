using PipeForkAs.LibC;

namespace PipeForkAs.Jobs.Worker;

/// <summary>Removes the protection from the OOM killer that the unit gives the daemon (OOMScoreAdjust=); jobs must not inherit it. The job
/// host removes it before it forks, so that workers need not: writing a file in /proc costs a worker more than all other limits.
/// </summary>
internal static class OomProtection
{
    private static ReadOnlySpan<byte> Warning =>
        "pipeforkas: a job can protect itself from the OOM killer like the daemon, because CAP_SYS_RESOURCE is missing\n"u8;

    /// <summary>Removes the protection. Returns false if there was none.</summary>
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

    /// <summary>Warns on stderr, which the daemon reads, that a job could restore the protection.</summary>
    public static void Warn()
    {
#pragma warning disable CA2000 // The process owns the descriptor and keeps it open.
        var stderr = new FileDescriptor(2);
#pragma warning restore CA2000
        Libc.write(stderr, Warning);
        stderr.Release();
    }

    /// <summary>Tries to restore the protection, in a separate process, and writes a byte on success. A process can return to the score
    /// that a process with CAP_SYS_RESOURCE set last; proc_pid_oom_score_adj(5).
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
