using PipeForkAs.Jobs;
using PipeForkAs.LibC;

namespace PipeForkAs.StockJobs;

/// <summary>The arguments of <c>rename</c>.</summary>
/// <param name="Path">
/// The file or directory; relative to the working directory, which is the user's home directory. A symbolic link is renamed itself.
/// </param>
/// <param name="To">The new path, also if a directory with this name exists; relative to the same directory.</param>
/// <param name="Replace">
/// Whether to replace a file, or an empty directory, that has the new path. Without it, the job fails with <c>exists</c>.
/// </param>
/// <param name="PathBytes">The path as bytes, in base64, instead of <paramref name="Path"/>.</param>
/// <param name="ToBytes">The new path as bytes, in base64, instead of <paramref name="To"/>.</param>
internal sealed record RenameArguments(
    string? Path = null, string? To = null, bool Replace = false, string? PathBytes = null, string? ToBytes = null);

/// <summary>The job <c>rename</c>: one step in the file system, so that each moment one of the paths names the whole file.</summary>
internal static class Rename
{
    public static PathResult Move(RenameArguments arguments)
    {
        var from = FilePath.Of(arguments.Path, arguments.PathBytes);
        var to = FilePath.Of(arguments.To, arguments.ToBytes, name: "to");
        Errno failed = arguments.Replace ? MoveOver(from, to) : Libc.rename_noreplace(from.Bytes, to.Bytes);
        if (failed == Errno.EINVAL && !arguments.Replace)
            failed = MoveWithoutFlag(from, to);
        return failed == Errno.None ? PathResult.Of(to) : throw Failure(failed, from, to, arguments.Replace);
    }

    private static Errno MoveOver(FilePath from, FilePath to)
    {
        // The kernel does nothing for two names of one file, and reports success; rename(2).
        if (Libc.lstat(from.Bytes, out _) is { Links: > 1, Kind: not FileKind.Directory } file && IsSame(file, to) && !IsOneEntry(from, to))
            throw FileFailure.Of(Errno.EEXIST, $"{from} and {to} are two names of one file, so neither can replace the other; remove one");
        return Libc.rename(from.Bytes, to.Bytes);
    }

    /// <summary>Renames in a file system that cannot refuse to replace in one step, for example NFS. A directory gets its place by mkdir, a
    /// file gets its second name by link; both fail if the new path exists. The former name of a file is removed only if it is still that
    /// file's.
    /// </summary>
    private static Errno MoveWithoutFlag(FilePath from, FilePath to)
    {
        if (Libc.lstat(from.Bytes, out Errno hidden) is not { } file)
            return hidden;
        if (file.Kind == FileKind.Directory)
        {
            if (Libc.mkdirat(null, to.Bytes, 0x1C0) is { Value: not 0 } taken) // 0700
                return taken;

            // It replaces only an empty directory.
            Errno failed = Libc.rename(from.Bytes, to.Bytes);
            if (failed != Errno.None)
                Libc.unlinkat(null, to.Bytes, isDirectory: true);
            return failed;
        }

        Errno refused = Libc.link(from.Bytes, to.Bytes);
        if (refused != Errno.None && refused != Errno.EEXIST)
        {
            throw FileFailure.Of(
                Errno.EINVAL,
                $"{from} cannot be renamed: its file system cannot refuse to replace in one step; "
                + $"make sure that {to} does not exist, and use replace=true");
        }

        if (refused != Errno.None)
            return refused;
        if (!IsSame(file, from))
            throw new JobException(FileFailure.Changed, $"another process replaced {from} meanwhile; {to} is the former file");
        return Libc.unlinkat(null, from.Bytes, isDirectory: false);
    }

    private static bool IsSame(FileStatus file, FilePath path) =>
        Libc.lstat(path.Bytes, out _) is { } other && (file.Device, file.Inode) == (other.Device, other.Inode);

    /// <summary>Whether two paths are the same name in the same folder.</summary>
    private static bool IsOneEntry(FilePath one, FilePath other)
    {
        (FilePath folder, byte[] name, _) = one.Split();
        (FilePath otherFolder, byte[] otherName, _) = other.Split();
        return name.AsSpan().SequenceEqual(otherName)
            && Libc.stat(folder.Bytes, out _) is { } first && Libc.stat(otherFolder.Bytes, out _) is { } second
            && (first.Device, first.Inode) == (second.Device, second.Inode);
    }

    private static Exception Failure(Errno failed, FilePath from, FilePath to, bool replace)
    {
        if (failed == Errno.EINVAL)
            return new JobArgumentsException($"{from} cannot be moved to {to}, which is inside of it");
        string what = $"{from} cannot be renamed to {to}";
        if (failed == Errno.EXDEV)
            what += ", which is on another file system; copy it and remove the original";
        else if (failed == Errno.EEXIST && !replace)
            what += ", which exists; replace=true replaces a file or an empty directory";
        else if (failed == Errno.ENOTEMPTY || failed == Errno.EEXIST)
            (what, failed) = ($"{what}, which is a directory that is not empty; remove it first", Errno.ENOTEMPTY);
        else if (failed == Errno.EISDIR)
            what += ", which is a directory";
        else if (failed == Errno.EBUSY)
            what += ": one of them is a mount point, or ends with . or ..";
        return FileFailure.Of(failed, what);
    }
}
