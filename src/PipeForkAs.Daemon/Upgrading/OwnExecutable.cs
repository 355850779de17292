using PipeForkAs.Daemon.Files;
using PipeForkAs.LibC;

namespace PipeForkAs.Daemon.Upgrading;

/// <summary>The file that this process executes, as it was at the start.</summary>
internal sealed class OwnExecutable
{
    private const string Link = "/proc/self/exe";

    private readonly ulong device, inode;

    private OwnExecutable(string path, FileStatus running)
    {
        Path = path;
        device = running.Device;
        inode = running.Inode;
    }

    /// <summary>The absolute path, without symbolic links.</summary>
    public string Path { get; }

    /// <summary>
    /// Reads the path from the kernel; see proc_pid_exe(5). Call this at the start, because the path of a replaced file cannot be read.
    /// </summary>
    /// <exception cref="UpgradeException">/proc does not contain the path.</exception>
    public static OwnExecutable Find() =>
        Libc.readlink(Link) is { } path && Libc.stat(Link) is { } running
            ? new OwnExecutable(path, running)
            : throw new UpgradeException($"{Link} cannot be read; mount proc(5)");

    /// <summary>
    /// Returns whether the path names another file than the one that this process executes. While a process executes a file, the kernel
    /// gives its inode number to no other file, and does not allow writing to it.
    /// </summary>
    /// <exception cref="UpgradeException">There is no file, or users other than root could have written it.</exception>
    public bool IsReplaced()
    {
        FileStatus now = Libc.stat(Path) ?? throw new UpgradeException($"{Path} is missing; install it again");
        if (now.Device == device && now.Inode == inode)
            return false;
        if (TrustedFile.ProgramProblem(Path) is { } problem)
            throw new UpgradeException(
                $"the daemon's executable was replaced, but the new one cannot be started: {TrustedFile.Line(Path, problem)}");
        return true;
    }
}
