using PipeForkAs.Jobs;
using PipeForkAs.LibC;

namespace PipeForkAs.StockJobs;

/// <summary>Removes a directory with everything in it. Each call names an entry of an open directory, so a directory that another process
/// replaces by a link, or moves, leads nowhere else. Levels are on the heap, and only the innermost are open: a tree can be deeper than the
/// stack, than the number of descriptors, and than the longest path. The first failure ends the removal.
/// </summary>
/// <param name="parent">The folder of the directory. This does not own it.</param>
/// <param name="path">The path of the directory, for messages.</param>
/// <param name="kept">Folders that it keeps.</param>
internal sealed class TreeRemoval(FileDescriptor parent, FilePath path, KeptFolders kept) : IDisposable
{
    /// <summary>The most levels that are open at once.</summary>
    private const int MostOpen = 16;

    /// <summary>How often a directory is read, or opened, at most: entries can be added meanwhile, and some file systems skip entries when
    /// others are removed.
    /// </summary>
    private const int MostTries = 8;

    /// <summary>The longest path that a message shows, in levels.</summary>
    private const int MostNamed = 20;

    private readonly List<Level> levels = [];
    private long removed;

    /// <summary>The failure for a folder that is kept.</summary>
    public static JobException Keep(FilePath folder) =>
        new(FileFailure.Kept, $"{folder} is not removed: it is the home of the user, or contains it");

    /// <summary>Removes the directory, and returns the number of removed entries.</summary>
    /// <param name="name">Its name in its folder.</param>
    public long Remove(byte[] name)
    {
        Enter(parent, name, tries: 1);
        while (levels.Count > 0)
        {
            Level level = levels[^1];
            if (level.Directories.TryPop(out byte[]? next))
                Enter(level.Descriptor!, next, tries: 1);
            else
                Leave(level);
        }

        return removed;
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        foreach (Level level in levels)
            level.Descriptor?.Dispose();
        levels.Clear();
    }

    /// <summary>Opens a directory and removes all its entries except directories.</summary>
    private void Enter(FileDescriptor folder, byte[] name, int tries)
    {
#pragma warning disable CA2000 // The level owns it.
        FileDescriptor? opened = Open(folder, name, out Errno closed);
#pragma warning restore CA2000
        if (opened is null)
        {
            RemoveUnopened(folder, name, closed);
            return;
        }

        var level = new Level(name, opened, Libc.fstat(opened), tries);
        levels.Add(level);
        if (kept.Contains(level.Status))
            throw Keep(PathOf(null));
        if (levels.Count > MostOpen)
            levels[^(MostOpen + 1)].Close();

        List<byte[]> entries = Libc.names_in(opened, out Errno unread) ?? throw Failure(unread, null, "cannot be listed");
        foreach (byte[] entry in entries)
        {
            Errno refused = Libc.unlinkat(opened, entry, isDirectory: false);
            if (refused == Errno.EISDIR)
                level.Directories.Push(entry);
            else if (refused == Errno.None)
                removed++;
            else if (refused != Errno.ENOENT)
                throw Failure(refused, entry, "cannot be removed");
        }
    }

    /// <summary>Opens a directory that is not a mount point. The error for a mount point, EXDEV, comes also if another process moves the
    /// directory at this moment (complete_walk in the kernel's fs/namei.c), but not each time.
    /// </summary>
    private static FileDescriptor? Open(FileDescriptor folder, byte[] name, out Errno closed)
    {
        const OpenFlags Flags = OpenFlags.O_RDONLY | OpenFlags.O_DIRECTORY | OpenFlags.O_NOFOLLOW;
        FileDescriptor? opened;
        int tries = 0;
        do
            opened = Libc.openat_same_mount(folder, name, Flags, out closed);
        while (closed == Errno.EXDEV && ++tries < MostTries);
        return opened;
    }

    /// <summary>Removes an entry that was a directory and cannot be opened as one.</summary>
    private void RemoveUnopened(FileDescriptor folder, byte[] name, Errno closed)
    {
        if (closed == Errno.ENOENT)
            return; // Another process removed it.
        if (closed == Errno.EXDEV)
            throw Failure(Errno.EXDEV, name, "is a mount point, and other file systems are not removed");

        // An empty directory can be removed without being read, and what another process put in its place is not a directory.
        Errno refused = Libc.unlinkat(folder, name, isDirectory: closed == Errno.EACCES);
        if (refused == Errno.None)
            removed++;
        else if (refused != Errno.ENOENT)
            throw Failure(closed, name, "cannot be opened");
    }

    private void Leave(Level level)
    {
        levels.RemoveAt(levels.Count - 1);
        using FileDescriptor? done = level.Descriptor;
        FileDescriptor folder = levels.Count == 0 ? parent : levels[^1].Descriptor ?? Reopen(levels[^1], level);
        Errno refused = Libc.unlinkat(folder, level.Name, isDirectory: true);
        if (refused == Errno.None)
            removed++;
        else if (refused == Errno.ENOTEMPTY && level.Tries < MostTries)
            Enter(folder, level.Name, level.Tries + 1);
        else if (refused != Errno.ENOENT)
            throw Failure(refused, level.Name, "cannot be removed");
    }

    /// <summary>Opens a level again from the level in it, and checks that it is the same directory: another process may have moved the
    /// inner one.
    /// </summary>
    private FileDescriptor Reopen(Level level, Level inner)
    {
        FileDescriptor folder = Libc.openat(inner.Descriptor, ".."u8, OpenFlags.O_PATH | OpenFlags.O_DIRECTORY, out Errno closed)
            ?? throw Failure(closed, null, "cannot be opened");
        level.Open(folder);
        return level.Is(Libc.fstat(folder))
            ? folder
            : throw new JobException(
                FileFailure.Changed, $"another process moved {PathOf(inner.Name)} meanwhile; {removed} entries were removed before");
    }

    private JobException Failure(Errno errno, byte[]? entry, string what) =>
        FileFailure.Of(errno, $"{PathOf(entry)} {what} ({removed} entries were removed before)");

    /// <summary>The path of an entry of the innermost level, or of the level itself.</summary>
    private FilePath PathOf(byte[]? entry)
    {
        FilePath whole = path;
        for (int i = 1; i < levels.Count; i++)
        {
            if (i <= MostNamed / 2 || i >= levels.Count - (MostNamed / 2))
                whole = whole.Join(levels[i].Name);
            else if (i == (MostNamed / 2) + 1)
                whole = whole.Join("..."u8.ToArray());
        }

        return entry is null || levels.Count == 0 ? whole : whole.Join(entry);
    }

    /// <summary>A directory that is being emptied.</summary>
    private sealed class Level(byte[] name, FileDescriptor descriptor, FileStatus status, int tries)
    {
        public byte[] Name => name;

        public FileStatus Status => status;

        public int Tries => tries;

        /// <summary>The open directory; null while levels in it are open.</summary>
        public FileDescriptor? Descriptor { get; private set; } = descriptor;

        /// <summary>The directories in it that are still there.</summary>
        public Stack<byte[]> Directories { get; } = new();

        public bool Is(FileStatus other) => (status.Device, status.Inode) == (other.Device, other.Inode);

        public void Open(FileDescriptor again) => Descriptor = again;

        public void Close()
        {
            Descriptor?.Dispose();
            Descriptor = null;
        }
    }
}
