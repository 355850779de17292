using PipeForkAs.Jobs;
using PipeForkAs.LibC;

namespace PipeForkAs.StockJobs;

/// <summary>The arguments of <c>remove</c>.</summary>
/// <param name="Path">
/// The file or directory; relative to the working directory, which is the user's home directory. A symbolic link is removed itself.
/// </param>
/// <param name="Recursive">Whether to remove a directory with everything in it. Without it, only an empty directory is removed.</param>
/// <param name="PathBytes">The path as bytes, in base64, instead of <paramref name="Path"/>.</param>
internal sealed record RemoveArguments(string? Path = null, bool Recursive = false, string? PathBytes = null);

/// <summary>The result of <c>remove</c>.</summary>
/// <param name="Path">The absolute path; invalid UTF-8 is shown as U+FFFD.</param>
/// <param name="Removed">The number of removed entries: files, links and directories.</param>
/// <param name="PathBytes">The path as bytes, in base64, if it is not UTF-8.</param>
internal sealed record RemoveResult(string Path, long Removed, string? PathBytes = null);

/// <summary>The job <c>remove</c>.</summary>
internal static class Remove
{
    public static RemoveResult Delete(RemoveArguments arguments, JobContext context)
    {
        var path = FilePath.Of(arguments.Path, arguments.PathBytes);
        (FilePath folder, byte[] name, bool isDirectory) = path.Split();
        if (name.Length == 0 || name.AsSpan().SequenceEqual("."u8) || name.AsSpan().SequenceEqual(".."u8))
            throw new JobArgumentsException($"\"{path}\" cannot be removed: a path must end with a name, not with /, . or ..");
        FilePath result = path.Absolute();

        using FileDescriptor parent = Libc.open(folder.Bytes, OpenFlags.O_PATH | OpenFlags.O_DIRECTORY, 0, out Errno closed)
            ?? throw FileFailure.Of(closed, $"the folder of {path} cannot be opened");
        return new RemoveResult(
            result.Text, DeleteIn(parent, name, isDirectory, path, arguments.Recursive, context), FilePath.Base64Of(result.Bytes));
    }

    private static long DeleteIn(
        FileDescriptor parent, byte[] name, bool isDirectory, FilePath path, bool recursive, JobContext context)
    {
        Errno refused = Errno.EISDIR;
        if (!isDirectory)
        {
            // The kernel refuses directories, so there is no moment between a check and the removal.
            refused = Libc.unlinkat(parent, name, isDirectory: false);
            if (refused == Errno.None)
                return 1;
        }

        var kept = new KeptFolders(context.User.Home);
        if (refused != Errno.EISDIR)
        {
            // The kernel checks the permission of the folder first, for directories too.
            throw Libc.lstat(parent, name, out _) is { } found && kept.Contains(found)
                ? TreeRemoval.Keep(path)
                : FileFailure.Of(refused, $"{path} cannot be removed");
        }

        FileStatus status = Libc.lstat(parent, name, out Errno hidden) ?? throw FileFailure.Of(hidden, $"{path} cannot be inspected");
        if (status.Kind != FileKind.Directory)
            throw FileFailure.Of(Errno.ENOTDIR, $"{path} cannot be removed");
        if (kept.Contains(status))
            throw TreeRemoval.Keep(path);
        if (recursive)
        {
            using var tree = new TreeRemoval(parent, path, kept);
            return tree.Remove(name);
        }

        Errno failed = Libc.unlinkat(parent, name, isDirectory: true);
        if (failed == Errno.None)
            return 1;
        throw FileFailure.Of(failed, failed == Errno.ENOTEMPTY
            ? $"the directory {path} is not empty; recursive=true removes it with everything in it"
            : $"the directory {path} cannot be removed");
    }
}
