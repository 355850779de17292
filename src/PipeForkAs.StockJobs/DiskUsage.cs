using PipeForkAs.LibC;

namespace PipeForkAs.StockJobs;

/// <summary>What <c>disk-usage</c> takes.</summary>
/// <param name="Path">The file or directory; relative to the working directory, which is the user's home.</param>
/// <param name="PathBytes">The same byte by byte, in base64, instead of <paramref name="Path"/>.</param>
internal sealed record DiskUsageArguments(string Path = ".", string? PathBytes = null);

/// <summary>What <c>disk-usage</c> returns.</summary>
/// <param name="Path">The file or directory, absolute.</param>
/// <param name="Bytes">What it takes on the disk, as du(1) sums it up.</param>
/// <param name="ApparentBytes">The sum of the sizes of all that is no directory.</param>
/// <param name="Files">How many there are that are no directories; those with several names (hard links) once.</param>
/// <param name="Directories">How many directories there are, the first included.</param>
/// <param name="Unreadable">
/// How many of all these the user may not look at, or into: what they take, or what is in them, is not counted.
/// </param>
internal sealed record DiskUsageResult(string Path, long Bytes, long ApparentBytes, long Files, long Directories, long Unreadable);

/// <summary>The job <c>disk-usage</c>. It stays on one file system and follows no symbolic link, so that it ends.</summary>
internal static class DiskUsage
{
    public static DiskUsageResult Measure(DiskUsageArguments arguments)
    {
        FilePath start = FilePath.Of(arguments.Path, arguments.PathBytes, ".").Absolute();
        byte[] name = start.Bytes;
        FileStatus first = Libc.lstat(name, out Errno problem) ?? throw FileFailure.Of(problem, $"{start} cannot be looked at");
        var seen = new HashSet<(ulong Device, ulong Inode)>();
        var pending = new Stack<byte[]>([name]);
        long blocks = 0, apparent = 0, files = 0, directories = 0, unreadable = 0;

        while (pending.TryPop(out byte[]? path))
        {
            if (Libc.lstat(path, out Errno error) is not { } status)
            {
                // Counted instead: what is closed must not hide what the others take.
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

    /// <summary>It went away meanwhile, which is not for this job to judge.</summary>
    private static bool IsGone(Errno error) => error == Errno.ENOENT || error == Errno.ENOTDIR;
}
