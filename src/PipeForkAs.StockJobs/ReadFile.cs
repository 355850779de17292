using PipeForkAs.Jobs;
using PipeForkAs.LibC;

namespace PipeForkAs.StockJobs;

/// <summary>The arguments of <c>read-file</c>.</summary>
/// <param name="Path">The file; relative to the working directory, which is the user's home directory.</param>
/// <param name="PathBytes">The path as bytes, in base64, instead of <paramref name="Path"/>.</param>
internal sealed record ReadFileArguments(string? Path = null, string? PathBytes = null);

/// <summary>The job <c>read-file</c>: takes arguments and writes a stream.</summary>
internal static class ReadFile
{
    private const int BufferBytes = 64 * 1024;

    public static int Read(ReadFileArguments arguments, JobContext context)
    {
        var path = FilePath.Of(arguments.Path, arguments.PathBytes);
        using FileDescriptor file = Open(path);
        byte[] buffer = GC.AllocateUninitializedArray<byte>(BufferBytes);
        while (true)
        {
            IOResult read = Libc.read(file, buffer);
            if (read.Failed)
                throw FileFailure.Of(read.Errno, $"{path} cannot be read");
            if (read.Count == 0)
                return 0;
            context.Output.Write(buffer, 0, (int)read.Count);
        }
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
