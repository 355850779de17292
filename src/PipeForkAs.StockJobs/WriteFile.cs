using System.Text;
using Microsoft.Win32.SafeHandles;
using PipeForkAs.Jobs;
using PipeForkAs.LibC;

namespace PipeForkAs.StockJobs;

/// <summary>The arguments of <c>write-file</c>.</summary>
/// <param name="Path">
/// The file; relative to the working directory, which is the user's home directory. The job replaces a symbolic link and does not follow
/// it.
/// </param>
/// <param name="Mode">
/// The permissions in octal, as for chmod(1), 0 to 777. Without it, an existing file keeps its permissions, and a new file gets those of
/// the umask. An existing file keeps its group if the user is a member. If not, or if the file had an access control list, which is not
/// kept, the group gets no more access than everyone.
/// </param>
/// <param name="Size">
/// The number of bytes that must arrive. Without it, the job cannot distinguish a client whose connection broke from one that has finished.
/// </param>
/// <param name="PathBytes">The path as bytes, in base64, instead of <paramref name="Path"/>.</param>
internal sealed record WriteFileArguments(string? Path = null, string? Mode = null, long? Size = null, string? PathBytes = null);

/// <summary>The job <c>write-file</c>: asynchronous, and cleans up when it is cancelled.</summary>
internal static class WriteFile
{
    /// <summary>errno(3).</summary>
    private const int EFBIG = 27;

    /// <summary>The mode of the file until it has its final permissions: a process that opens it earlier could read on, whatever the
    /// permissions become.
    /// </summary>
    private const uint OwnerAlone = 0x180; // 0600

    public static async Task<int> WriteAsync(WriteFileArguments arguments, JobContext context)
    {
        // From here on a cancelled job cleans up, and a write beyond the file size limit fails instead of killing the job and leaving a
        // partial file.
        CancellationToken stop = context.CancellationToken;
        Libc.signal_ignore(Signal.SIGXFSZ);

        // The path as the kernel reads it, even with links and dots in it.
        var target = FilePath.Of(arguments.Path, arguments.PathBytes);
        int slash = target.Bytes.AsSpan().LastIndexOf((byte)'/');
        FileStatus? former = Libc.lstat(target.Bytes, out Errno hidden);
        if (former is null && hidden != Errno.ENOENT && hidden != Errno.ENOTDIR)
            throw FileFailure.Of(hidden, $"{target} cannot be inspected");
        if (former is { Kind: FileKind.Directory })
            throw FileFailure.Of(Errno.EISDIR, $"{target} is a directory");
        if (slash == target.Bytes.Length - 1)
            throw new JobArgumentsException($"\"{target}\" is not the name of a file");
        uint? mode = Permissions.Parse(arguments.Mode);

        // Next to the target, so that it is on the same file system and the move is one step.
        var directory = FilePath.OfBytes(slash < 0 ? "."u8.ToArray() : slash == 0 ? "/"u8.ToArray() : target.Bytes[..slash]);
        FilePath temporary = directory.Join(Encoding.ASCII.GetBytes($".pipeforkas-{Path.GetRandomFileName()}"));
        bool hasOwnMode = mode is not null || former is { Kind: FileKind.Regular };
        SafeFileHandle made = Make(temporary, directory, hasOwnMode ? OwnerAlone : 0x1B6u); // 0666
        bool moved = false;
        try
        {
            using (made)
            {
                SetRights(made, former, mode, target);
                await ReceiveAsync(made, arguments.Size, context.Input, stop);
            }

            if (Libc.rename(temporary.Bytes, target.Bytes) is { Value: not 0 } refused)
                throw FileFailure.Of(refused, $"{target} cannot be replaced");
            moved = true;
        }
        finally
        {
            if (!moved)
                Remove(temporary);
        }

        Settle(directory);
        return 0;
    }

    private static SafeFileHandle Make(FilePath path, FilePath directory, uint mode)
    {
#pragma warning disable CA2000 // The receiver owns it, and closes it.
        FileDescriptor made = Libc.open(path.Bytes, OpenFlags.O_WRONLY | OpenFlags.O_CREAT | OpenFlags.O_EXCL, mode, out Errno refused)
            ?? throw FileFailure.Of(refused, $"no file can be created in the folder {directory}");
#pragma warning restore CA2000
        return new SafeFileHandle(made.Release(), ownsHandle: true);
    }

    /// <summary>Ignores failures: another process may have removed the file, or the directory may belong to another user now, and the job
    /// cannot change that.
    /// </summary>
    private static void Remove(FilePath path) => Libc.unlink(path.Bytes);

    /// <summary>Sets the permissions and the group. No user gains access that the user did not have to the replaced file.</summary>
    private static void SetRights(SafeFileHandle made, FileStatus? former, uint? asked, FilePath target)
    {
#pragma warning disable CA2000 // The receiver owns it, and closes it.
        var file = new FileDescriptor((int)made.DangerousGetHandle());
#pragma warning restore CA2000
        uint? mode = asked;
        if (former is { Kind: FileKind.Regular } replaced)
        {
            bool hasGroup = Libc.fchown(file, replaced.Group);
            mode ??= hasGroup && !HasList(target) ? replaced.Permissions & 0x1FF : WithoutGroup(replaced.Permissions & 0x1FF);
        }

        if (mode is { } wanted)
            Libc.fchmod(file, wanted);
        file.Release();
    }

    /// <summary>Limits the group's permissions to those of everyone.</summary>
    private static uint WithoutGroup(uint mode) => mode & (0x1C7 | ((mode & 7) << 3));

    /// <summary>Whether the file has an access control list. If it has, the group bits show the most that any entry of the list allows;
    /// acl(5).
    /// </summary>
    private static bool HasList(FilePath path) =>
        Libc.has_xattr(path.Bytes, "system.posix_acl_access", out Errno unknown) || unknown != Errno.None;

    private static async Task ReceiveAsync(SafeFileHandle made, long? size, Stream input, CancellationToken stop)
    {
        await using var file = new FileStream(made, FileAccess.Write, bufferSize: 0);
        try
        {
            await input.CopyToAsync(file, stop);
        }
        catch (ArgumentOutOfRangeException tooLong)
        {
            // .NET throws this for EFBIG.
            throw new JobException(
                "too-large", "the file would exceed the size limit (Limits:Worker:FileSize); it was not written", EFBIG,
                tooLong);
        }
        catch (IOException failure) when (FileFailure.Of(failure, "the file cannot be written") is { } known)
        {
            throw known;
        }

        if (size is { } expected && file.Length != expected)
            throw new JobException(FileFailure.Incomplete, $"{file.Length} bytes came, not {expected}; the file was not written");
        try
        {
            RandomAccess.FlushToDisk(made);
        }
        catch (IOException failure) when (FileFailure.Of(failure, "the file cannot be written to the disk") is { } known)
        {
            throw known;
        }
    }

    /// <summary>Waits until the directory is on the disk; the move is on the disk only then.</summary>
    private static void Settle(FilePath directory)
    {
        using FileDescriptor? names = Libc.open(directory.Bytes, OpenFlags.O_RDONLY | OpenFlags.O_DIRECTORY, 0, out Errno refused);
        if (names is null && refused != Errno.EACCES)
            throw FileFailure.Of(refused, $"the folder {directory} cannot be opened");
        if (names is null)
            return; // The user may write to the directory but not read it: the file exists anyway.
        try
        {
            Libc.fsync(names);
        }
        catch (SystemCallException failure) when (failure.Errno == Errno.EINVAL)
        {
            // The directory's file system does not support this for directories.
        }
    }
}
