using PipeForkAs.Daemon.EventLoop;
using PipeForkAs.LibC;

namespace PipeForkAs.Daemon.Users;

/// <summary>
/// Files whose change ends the use of cached answers from them. The files are checked at most once in each turn of the loop.
/// </summary>
internal sealed class WatchedFiles(Loop loop, IReadOnlyList<string> paths)
{
    private readonly FileStatus?[] seen = new FileStatus?[paths.Count];
    private long lookedIn = -1;

    /// <summary>Whether one of the files has changed since the last call; true at first, unless there are none.</summary>
    public bool HaveChanged()
    {
        if (lookedIn == loop.Turn)
            return false;
        lookedIn = loop.Turn;
        bool changed = false;
        for (int i = 0; i < paths.Count; i++)
        {
            FileStatus? now = Libc.stat(paths[i]);
            changed |= now != seen[i];
            seen[i] = now;
        }

        return changed;
    }
}
