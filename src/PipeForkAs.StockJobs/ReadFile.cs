using PipeForkAs.Jobs;
using PipeForkAs.LibC;

namespace PipeForkAs.StockJobs;

/// <summary>The arguments of <c>read-file</c>.</summary>
/// <param name="Path">The file; relative to the working directory, which is the user's home directory.</param>
/// <param name="PathBytes">The path as bytes, in base64, instead of <paramref name="Path"/>.</param>
/// <param name="Offset">The number of bytes to skip, 0 or more. Beyond the end of the file there is nothing.</param>
/// <param name="Length">The most bytes to read, 0 or more; null for all up to the end of the file.</param>
internal sealed record ReadFileArguments(string? Path = null, string? PathBytes = null, long Offset = 0, long? Length = null);

/// <summary>The job <c>read-file</c>: takes arguments and writes a stream.</summary>
internal static class ReadFile
{
    private const int BufferBytes = 64 * 1024;

    public static int Read(ReadFileArguments arguments, JobContext context)
    {
        var path = FilePath.Of(arguments.Path, arguments.PathBytes);
        if (arguments.Offset < 0)
            throw new JobArgumentsException($"the offset must be 0 or more, not {arguments.Offset}");
        if (arguments.Length < 0)
            throw new JobArgumentsException($"the length must be 0 or more, not {arguments.Length}");
        using FileDescriptor file = Open(path);

        // The kernel refuses to read where an offset would end.
        long offset = arguments.Offset, left = Math.Min(arguments.Length ?? long.MaxValue, long.MaxValue - offset);
        byte[] buffer = GC.AllocateUninitializedArray<byte>(BufferBytes);
        while (left > 0)
        {
            Span<byte> room = buffer.AsSpan(0, (int)Math.Min(buffer.Length, left));

            // Some files in /proc have no offset, and can be read only from the beginning.
            IOResult read = arguments.Offset == 0 ? Libc.read(file, room) : Libc.pread(file, room, offset);
            if (read.Failed)
                throw FileFailure.Of(read.Errno, $"{path} cannot be read");
            if (read.Count == 0)
                return 0;
            context.Output.Write(buffer, 0, (int)read.Count);
            offset += read.Count;
            left -= read.Count;
        }

        return 0;
    }

    /// <summary>Opens the file. .NET's own method would take a lock. Other programs' locks (flock(2)) would make it fail, and the lock
    /// would make theirs fail while a client reads slowly.
    /// </summary>
    private static FileDescriptor Open(FilePath path)
    {
        // A pipe or a device would make the job wait or run forever, and opening it can have effects; the path may lead to another file at
        // the open.
        FileStatus there = Libc.stat(path.Bytes, out Errno hidden) ?? throw FileFailure.Of(hidden, $"{path} cannot be inspected");
        RefuseUnlessRegular(path, there);
        FileDescriptor file = Libc.open(path.Bytes, OpenFlags.O_RDONLY | OpenFlags.O_NONBLOCK | OpenFlags.O_NOCTTY, 0, out Errno closed)
            ?? throw FileFailure.Of(closed, $"{path} cannot be opened");
        try
        {
            RefuseUnlessRegular(path, Libc.fstat(file));
            return file;
        }
        catch (JobException)
        {
            file.Dispose();
            throw;
        }
    }

    private static void RefuseUnlessRegular(FilePath path, FileStatus status)
    {
        if (status.Kind == FileKind.Directory)
            throw FileFailure.Of(Errno.EISDIR, $"{path} is not a regular file");
        if (status.Kind != FileKind.Regular)
            throw new JobException(FileFailure.NotRegular, $"{path} is not a regular file but a {status.Kind}");
    }
}
