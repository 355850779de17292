using PipeForkAs.LibC;

namespace PipeForkAs.StockJobs;

/// <summary>The arguments of <c>disk-usage</c>.</summary>
/// <param name="Path">The file or directory; relative to the working directory, which is the user's home directory.</param>
/// <param name="PathBytes">The path as bytes, in base64, instead of <paramref name="Path"/>.</param>
internal sealed record DiskUsageArguments(string Path = ".", string? PathBytes = null);

/// <summary>The result of <c>disk-usage</c>.</summary>
/// <param name="Path">The file or directory as an absolute path.</param>
/// <param name="Bytes">The space on disk, as du(1) counts it.</param>
/// <param name="ApparentBytes">The sum of the sizes of all entries that are not directories.</param>
/// <param name="Files">The number of entries that are not directories; an entry with several names (hard links) counts once.</param>
/// <param name="Directories">The number of directories, including the first.</param>
/// <param name="Unreadable">
/// The number of entries that the user may not inspect or read; their size or their contents are not counted.
/// </param>
internal sealed record DiskUsageResult(string Path, long Bytes, long ApparentBytes, long Files, long Directories, long Unreadable);

/// <summary>The job <c>disk-usage</c>. It stays on one file system and follows no symbolic link, so that it ends.</summary>
internal static class DiskUsage
{
    public static DiskUsageResult Measure(DiskUsageArguments arguments)
    {
        FilePath start = FilePath.Of(arguments.Path, arguments.PathBytes, ".").Absolute();
        byte[] name = start.Bytes;
        FileStatus first = Libc.lstat(name, out Errno problem) ?? throw FileFailure.Of(problem, $"{start} cannot be inspected");
        var seen = new HashSet<(ulong Device, ulong Inode)>();
        var pending = new Stack<byte[]>([name]);
        long blocks = 0, apparent = 0, files = 0, directories = 0, unreadable = 0;

        while (pending.TryPop(out byte[]? path))
        {
            if (Libc.lstat(path, out Errno error) is not { } status)
            {
                // Counted instead of thrown: an inaccessible entry must not hide the size of the others.
                unreadable += IsGone(error) ? 0 : 1;
                continue;
            }

            if (status.Device != first.Device)
                continue;

            if (status.Kind == FileKind.Directory)
            {
                directories++;
                if (!TryPushEntries(path, pending))
                    unreadable++;
            }
            else
            {
                if (status.Links > 1 && !seen.Add((status.Device, status.Inode)))
                    continue;
                files++;
                apparent += status.Size;
            }

            blocks += status.Blocks;
        }

        return new DiskUsageResult(start.Text, blocks * FileStatus.BlockBytes, apparent, files, directories, unreadable);
    }

    private static bool TryPushEntries(byte[] directory, Stack<byte[]> pending)
    {
        if (Libc.names_in(directory, out Errno error) is not { } names)
            return IsGone(error);
        foreach (byte[] name in names)
            pending.Push([.. directory, (byte)'/', .. name]);
        return true;
    }

    /// <summary>Whether the entry was removed meanwhile, which is not an error of this job.</summary>
    private static bool IsGone(Errno error) => error == Errno.ENOENT || error == Errno.ENOTDIR;
}
