using PipeForkAs.Jobs;
using PipeForkAs.LibC;

namespace PipeForkAs.StockJobs;

/// <summary>The arguments of <c>make-directory</c>.</summary>
/// <param name="Path">The directory; relative to the working directory, which is the user's home directory.</param>
/// <param name="Parents">Whether to create missing parents too, and to accept a directory that exists already.</param>
/// <param name="Mode">
/// The permissions of the directory in octal, as for chmod(1), 0 to 777. Without it, they are those of the umask, as they are for parents.
/// A directory that exists already keeps its permissions.
/// </param>
/// <param name="PathBytes">The path as bytes, in base64, instead of <paramref name="Path"/>.</param>
internal sealed record MakeDirectoryArguments(
    string? Path = null, bool Parents = false, string? Mode = null, string? PathBytes = null);

/// <summary>The path of what a job made or moved.</summary>
/// <param name="Path">The absolute path; invalid UTF-8 is shown as U+FFFD.</param>
/// <param name="PathBytes">The path as bytes, in base64, if it is not UTF-8.</param>
internal sealed record PathResult(string Path, string? PathBytes = null)
{
    public static PathResult Of(FilePath path)
    {
        FilePath whole = path.Absolute();
        return new(whole.Text, FilePath.Base64Of(whole.Bytes));
    }
}

/// <summary>The job <c>make-directory</c>.</summary>
internal static class MakeDirectory
{
    private const uint Everything = 0x1FF; // 0777

    public static PathResult Make(MakeDirectoryArguments arguments)
    {
        var path = FilePath.Of(arguments.Path, arguments.PathBytes);
        uint? mode = Permissions.Parse(arguments.Mode);
        if (arguments.Parents)
            MakeAll(path, mode);
        else if (MakeOne(null, path.Bytes, mode) is { Value: not 0 } refused)
            throw FileFailure.Of(refused, $"the directory {path} cannot be created");
        return PathResult.Of(path);
    }

    /// <summary>Goes from directory to directory, so that each is created in the one before it, wherever that is moved meanwhile.
    /// </summary>
    private static void MakeAll(FilePath path, uint? mode)
    {
        bool isAbsolute = path.Bytes[0] == (byte)'/';
        byte[][] names = [.. Names(path.Bytes)];
        FileDescriptor directory = Libc.openat(null, isAbsolute ? "/"u8 : "."u8, OpenFlags.O_PATH | OpenFlags.O_DIRECTORY, out Errno closed)
            ?? throw FileFailure.Of(closed, "the working directory cannot be opened");
        try
        {
            for (int i = 0; i < names.Length; i++)
            {
                Errno failed = MakeOne(directory, names[i], i == names.Length - 1 ? mode : null);

                // What this job made is a directory; what was there before may be a link to one.
                OpenFlags follow = failed == Errno.None ? OpenFlags.O_NOFOLLOW : 0;
                FileDescriptor? next = Libc.openat(
                    directory, names[i], OpenFlags.O_PATH | OpenFlags.O_DIRECTORY | follow, out Errno unopened);
                if (next is null)
                    throw Failure(failed, unopened, FilePath.OfBytes(Beginning(names, i, isAbsolute)));
                directory.Dispose();
                directory = next;
            }
        }
        finally
        {
            directory.Dispose();
        }
    }

    private static JobException Failure(Errno make, Errno open, FilePath part) =>
        make == Errno.EEXIST && open == Errno.ENOTDIR ? FileFailure.Of(Errno.EEXIST, $"{part} exists and is not a directory")
        : make == Errno.EEXIST || make == Errno.None ? FileFailure.Of(open, $"the directory {part} cannot be opened")
        : FileFailure.Of(make, $"the directory {part} cannot be created");

    /// <summary>Creates a directory whose permissions are right from the first moment. To set them later would reach another directory if
    /// the name led elsewhere meanwhile, and would take away the set-group-id bit that the folder passes on. The umask is that of the
    /// process: a worker runs one job.
    /// </summary>
    private static Errno MakeOne(FileDescriptor? directory, byte[] name, uint? mode)
    {
        if (mode is not { } exact)
            return Libc.mkdirat(directory, name, Everything);
        uint former = Libc.umask(0);
        try
        {
            return Libc.mkdirat(directory, name, exact);
        }
        finally
        {
            Libc.umask(former);
        }
    }

    private static IEnumerable<byte[]> Names(byte[] path)
    {
        for (int start = 0; start < path.Length;)
        {
            int length = path.AsSpan(start).IndexOf((byte)'/');
            if (length < 0)
                length = path.Length - start;
            if (length > 0)
                yield return path[start..(start + length)];
            start += length + 1;
        }
    }

    private static byte[] Beginning(byte[][] names, int last, bool isAbsolute)
    {
        var path = new List<byte>();
        for (int i = 0; i <= last; i++)
        {
            if (i > 0 || isAbsolute)
                path.Add((byte)'/');
            path.AddRange(names[i]);
        }

        return [.. path];
    }
}
