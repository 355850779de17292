using PipeForkAs.Jobs;
using PipeForkAs.LibC;

namespace PipeForkAs.StockJobs;

/// <summary>What <c>write-file</c> takes.</summary>
/// <param name="Path">The file; relative to the working directory, which is the user's home. A symbolic link is replaced, not followed.</param>
/// <param name="Mode">Its permissions in octal, as of chmod(1), 0 to 777. Without it they stay as they are; those of a new file are the umask's.</param>
/// <param name="Size">How many bytes must come. Without it, a client that is cut off is not told from one that has finished.</param>
internal sealed record WriteFileArguments(string Path, string? Mode = null, long? Size = null);

/// <summary>The job <c>write-file</c>: asynchronous, and it cleans up when it is told to stop.</summary>
internal static class WriteFile
{
    public static async Task<int> WriteAsync(WriteFileArguments arguments, JobContext context)
    {
        string target = Path.GetFullPath(arguments.Path);
        if (Libc.lstat(target) is { Kind: FileKind.Directory })
            throw new IOException($"{target} is a directory");
        UnixFileMode? mode = ParseMode(arguments.Mode) ?? ModeOf(target);

        // Beside the target, so that it is on the same file system and the move is one step.
        string directory = Path.GetDirectoryName(target)!;
        string temporary = Path.Combine(directory, $".pipeforkas-{Path.GetRandomFileName()}");
        try
        {
            await ReceiveAsync(temporary, mode, arguments.Size, context);
            File.Move(temporary, target, overwrite: true);
        }
        finally
        {
            File.Delete(temporary);
        }

        // The move is on the disk when the directory is.
        using FileDescriptor names = Libc.open(directory, OpenFlags.O_RDONLY | OpenFlags.O_DIRECTORY);
        Libc.fsync(names);
        return 0;
    }

    private static async Task ReceiveAsync(string temporary, UnixFileMode? mode, long? size, JobContext context)
    {
        await using var file = new FileStream(temporary, FileMode.CreateNew, FileAccess.Write, FileShare.None, bufferSize: 0);
        if (mode is { } wanted)
            File.SetUnixFileMode(file.SafeFileHandle, wanted);

        // A read that waits for a client cannot be interrupted; it is left behind, and ends with the process.
        await context.Input.CopyToAsync(file, context.CancellationToken).WaitAsync(context.CancellationToken);
        if (size is { } expected && file.Length != expected)
            throw new EndOfStreamException($"{file.Length} bytes came, not {expected}; the file was not written");
        RandomAccess.FlushToDisk(file.SafeFileHandle);
    }

    private static UnixFileMode? ParseMode(string? text)
    {
        if (text is null)
            return null;
        if (text.Length is 0 or > 4 || text.AsSpan().ContainsAnyExceptInRange('0', '7') || Convert.ToInt32(text, 8) > 0x1FF)
            throw new JobArgumentsException($"a mode is octal, 0 to 777, not \"{text}\"");
        return (UnixFileMode)Convert.ToInt32(text, 8);
    }

    private static UnixFileMode? ModeOf(string path) =>
        Libc.lstat(path) is { Kind: FileKind.Regular, Permissions: var permissions } ? (UnixFileMode)(permissions & 0x1FF) : null;
}
