using PipeForkAs.Daemon.EventLoop;
using PipeForkAs.LibC;

namespace PipeForkAs.Daemon.Users;

/// <summary>
/// Files whose change ends what is cached of them. They are looked at once in each turn of the loop, however often is asked.
/// </summary>
internal sealed class WatchedFiles(Loop loop, IReadOnlyList<string> paths)
{
    private readonly FileStatus?[] seen = new FileStatus?[paths.Count];
    private long lookedIn = -1;

    /// <summary>Whether one of them is another than when this was asked last; true at first, unless there are none.</summary>
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
