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

    /// <summary>Its absolute path, without symbolic links.</summary>
    public string Path { get; }

    /// <summary>Asks the kernel; proc_pid_exe(5). To be called at the start: the path of a file that was replaced cannot be read.</summary>
    /// <exception cref="UpgradeException">/proc does not tell.</exception>
    public static OwnExecutable Find() =>
        Libc.readlink(Link) is { } path && Libc.stat(Link) is { } running
            ? new OwnExecutable(path, running)
            : throw new UpgradeException($"{Link} cannot be read; proc(5) must be mounted");

    /// <summary>
    /// Whether the path names another file than the one that is executed. The kernel gives the number of an inode to no other file while a
    /// process executes it, and allows nobody to write to it.
    /// </summary>
    /// <exception cref="UpgradeException">There is no file, or others than root can have written it.</exception>
    public bool IsReplaced()
    {
        FileStatus now = Libc.stat(Path) ?? throw new UpgradeException($"{Path} is missing; install it again");
        if (now.Device == device && now.Inode == inode)
            return false;
        if (TrustedFile.ProgramProblem(Path) is { } problem)
            throw new UpgradeException($"{Path} was replaced, and is not started: {problem}");
        return true;
    }
}
