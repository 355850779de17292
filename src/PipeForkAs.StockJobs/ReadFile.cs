using PipeForkAs.Jobs;
using PipeForkAs.LibC;

namespace PipeForkAs.StockJobs;

/// <summary>What <c>read-file</c> takes.</summary>
/// <param name="Path">The file; relative to the working directory, which is the user's home.</param>
internal sealed record ReadFileArguments(string Path);

/// <summary>The job <c>read-file</c>: arguments in, a stream out.</summary>
internal static class ReadFile
{
    private const int BufferBytes = 64 * 1024;

    public static int Read(ReadFileArguments arguments, JobContext context)
    {
        using FileDescriptor file = Open(arguments.Path);
        byte[] buffer = GC.AllocateUninitializedArray<byte>(BufferBytes);
        while (true)
        {
            IOResult read = Libc.read(file, buffer);
            if (read.Failed)
                throw new IOException($"{arguments.Path} cannot be read: {read.Errno}", read.Errno.Value);
            if (read.Count == 0)
                return 0;
            context.Output.Write(buffer, 0, (int)read.Count);
        }
    }

    /// <summary>.NET's own would take a lock, which other programs' locks (flock(2)) refuse, and which would refuse theirs while a client reads slowly.</summary>
    private static FileDescriptor Open(string path)
    {
        FileDescriptor? file = null;
        try
        {
            // A pipe or a device would make the job wait or go on for ever, and opening alone may have effects; what is opened may be another by then.
            if (Libc.stat(path) is { } there)
                RefuseUnlessRegular(path, there);
            file = Libc.open(path, OpenFlags.O_RDONLY | OpenFlags.O_NONBLOCK | OpenFlags.O_NOCTTY);
            RefuseUnlessRegular(path, Libc.fstat(file));
            return file;
        }
        catch (SystemCallException missing) when (missing.Errno == Errno.ENOENT || missing.Errno == Errno.ENOTDIR)
        {
            throw new FileNotFoundException($"there is no {path}", missing);
        }
        catch (SystemCallException closed) when (closed.Errno == Errno.EACCES)
        {
            throw new UnauthorizedAccessException($"{path} is closed to this user", closed);
        }
        catch (IOException)
        {
            file?.Dispose();
            throw;
        }
    }

    private static void RefuseUnlessRegular(string path, FileStatus status)
    {
        if (status.Kind != FileKind.Regular)
            throw new IOException($"{path} is no regular file but: {status.Kind}");
    }
}
