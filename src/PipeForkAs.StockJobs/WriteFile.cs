using Microsoft.Win32.SafeHandles;
using PipeForkAs.Jobs;
using PipeForkAs.LibC;

namespace PipeForkAs.StockJobs;

/// <summary>What <c>write-file</c> takes.</summary>
/// <param name="Path">The file; relative to the working directory, which is the user's home. A symbolic link is replaced, not followed.</param>
/// <param name="Mode">
/// Its permissions in octal, as of chmod(1), 0 to 777. Without it they stay as they are, and those of a new file are the umask's. The group stays where the
/// user is in it; else, and where the file had an access control list, which is not kept, the group may do no more than everyone.
/// </param>
/// <param name="Size">How many bytes must come. Without it, a client that is cut off is not told from one that has finished.</param>
internal sealed record WriteFileArguments(string Path, string? Mode = null, long? Size = null);

/// <summary>The job <c>write-file</c>: asynchronous, and it cleans up when it is told to stop.</summary>
internal static class WriteFile
{
    /// <summary>Until the file has its rights nobody else opens it: who has it open reads on, whatever they become.</summary>
    private const uint OwnerAlone = 0x180; // 0600

    public static async Task<int> WriteAsync(WriteFileArguments arguments, JobContext context)
    {
        // From here on who is told to stop cleans up, and what the limit of a file's size ends fails, instead of leaving half a file behind.
        CancellationToken stop = context.CancellationToken;
        Libc.signal_ignore(Signal.SIGXFSZ);

        // The path as the kernel reads it, also where it has links and dots in it.
        string target = arguments.Path;
        FileStatus? former = Libc.lstat(target);
        if (former is { Kind: FileKind.Directory })
            throw new IOException($"{target} is a directory");
        if (Path.GetFileName(target).Length == 0)
            throw new IOException($"\"{target}\" is the name of no file");
        uint? mode = ParseMode(arguments.Mode);

        // Beside the target, so that it is on the same file system and the move is one step.
        string directory = Path.GetDirectoryName(target) is { Length: > 0 } folder ? folder : ".";
        string temporary = Path.Combine(directory, $".pipeforkas-{Path.GetRandomFileName()}");
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

            Libc.rename(temporary, target);
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

    private static SafeFileHandle Make(string path, string directory, uint mode)
    {
        try
        {
            return new SafeFileHandle(Libc.open(path, OpenFlags.O_WRONLY | OpenFlags.O_EXCL, mode).Release(), ownsHandle: true);
        }
        catch (SystemCallException missing) when (missing.Errno == Errno.ENOENT || missing.Errno == Errno.ENOTDIR)
        {
            throw new DirectoryNotFoundException($"there is no folder {directory}", missing);
        }
        catch (SystemCallException closed) when (closed.Errno == Errno.EACCES)
        {
            throw new UnauthorizedAccessException($"the folder {directory} is closed to this user", closed);
        }
    }

    private static void Remove(string path)
    {
        try
        {
            Libc.unlink(path);
        }
        catch (SystemCallException gone) when (gone.Errno == Errno.ENOENT)
        {
            // Somebody else did.
        }
    }

    /// <summary>Nobody gets a right by it who had none in what is replaced.</summary>
    private static void SetRights(SafeFileHandle made, FileStatus? former, uint? asked, string target)
    {
        var file = new FileDescriptor((int)made.DangerousGetHandle());
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

    /// <summary>The group's rights, as far as everyone has them.</summary>
    private static uint WithoutGroup(uint mode) => mode & (0x1C7 | ((mode & 7) << 3));

    /// <summary>Where there is an access control list, what looks like the group's rights is the most that anybody in the list has; acl(5).</summary>
    private static bool HasList(string path)
    {
        try
        {
            return Libc.getxattr(path, "system.posix_acl_access") is not null;
        }
        catch (SystemCallException)
        {
            // A long one, or one that cannot be looked at.
            return true;
        }
    }

    private static async Task ReceiveAsync(SafeFileHandle made, long? size, Stream input, CancellationToken stop)
    {
        await using var file = new FileStream(made, FileAccess.Write, bufferSize: 0);
        try
        {
            // A read that waits for a client cannot be interrupted; it is left behind, and ends with the process.
            await input.CopyToAsync(file, stop).WaitAsync(stop);
        }
        catch (ArgumentOutOfRangeException tooLong)
        {
            // What .NET makes of EFBIG.
            throw new IOException("the file would be longer than this job may make one (Limits:Worker:FileSize); it was not written", tooLong);
        }

        if (size is { } expected && file.Length != expected)
            throw new EndOfStreamException($"{file.Length} bytes came, not {expected}; the file was not written");
        RandomAccess.FlushToDisk(made);
    }

    /// <summary>The move is on the disk when the directory is.</summary>
    private static void Settle(string directory)
    {
        try
        {
            using FileDescriptor names = Libc.open(directory, OpenFlags.O_RDONLY | OpenFlags.O_DIRECTORY);
            Libc.fsync(names);
        }
        catch (SystemCallException failure) when (failure.Errno == Errno.EACCES || failure.Errno == Errno.EINVAL)
        {
            // It may be written to and not read, or its file system does not do that for directories: the file is there all the same.
        }
    }

    private static uint? ParseMode(string? text)
    {
        if (text is null)
            return null;
        if (text.Length is 0 or > 4 || text.AsSpan().ContainsAnyExceptInRange('0', '7') || Convert.ToUInt32(text, 8) > 0x1FF)
            throw new JobArgumentsException($"a mode is octal, 0 to 777, not \"{text}\"");
        return Convert.ToUInt32(text, 8);
    }
}
