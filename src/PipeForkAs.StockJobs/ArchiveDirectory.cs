using PipeForkAs.Jobs;
using PipeForkAs.LibC;

namespace PipeForkAs.StockJobs;

/// <summary>The arguments of <c>archive-directory</c>.</summary>
/// <param name="Path">The directory; relative to the working directory, which is the user's home directory.</param>
/// <param name="PathBytes">The path as bytes, in base64, instead of <paramref name="Path"/>.</param>
internal sealed record ArchiveDirectoryArguments(string? Path = null, string? PathBytes = null);

/// <summary>The job <c>archive-directory</c>: tar(1) writes the archive, and the job relays it. The directory is open, and tar starts in
/// it, so its command line has no name from a client.
/// </summary>
internal static class ArchiveDirectory
{
    private const int BufferBytes = 64 * 1024;

    /// <summary>tar's exit status if files changed while it read them; tar(1).</summary>
    private const int SomeFilesDiffer = 1;

    private static readonly string[] Programs = ["/usr/bin/tar", "/bin/tar"];

    /// <summary>The GNU format has names as bytes: the other one, pax, has UTF-8, into which tar would convert them. Directories on other
    /// file systems are archived too: an archive that lacks them would not be the directory's.
    /// </summary>
    private static readonly string[] Command = ["tar", "--create", "--file=-", "--format=gnu", "--quoting-style=escape", "--", "."];

    /// <summary>No variable that clients can set: TAR_OPTIONS would be options.</summary>
    private static readonly string[] Variables = ["LC_ALL=C.UTF-8", "PATH=/usr/bin:/bin"];

    public static int Write(ArchiveDirectoryArguments arguments, JobContext context)
    {
        var path = FilePath.Of(arguments.Path, arguments.PathBytes);
        using FileDescriptor directory = Open(path);
        (FileDescriptor output, FileDescriptor outputEnd) = Libc.pipe2();
        (FileDescriptor errors, FileDescriptor errorsEnd) = Libc.pipe2();
        (FileDescriptor input, FileDescriptor inputEnd) = Libc.pipe2();
        ProcessId tar;
        using (outputEnd)
        using (errorsEnd)
        using (input)
        {
            inputEnd.Dispose();
            tar = Start(directory, [(input, 0), (outputEnd, 1), (errorsEnd, 2)]);
        }

        bool isRelayed = false;
        WaitStatus status;
        try
        {
            using (output)
            using (errors)
                Relay(output, errors, context);
            isRelayed = true;
        }
        finally
        {
            if (!isRelayed)
                Libc.kill(tar, Signal.SIGKILL);
            status = Libc.wait_for(tar).Status;
        }

        return status is WaitStatus.Exited { Code: 0 } ? 0 : throw Failure(status, path);
    }

    /// <summary>Opens the directory for reading, and checks that tar can start in it.</summary>
    private static FileDescriptor Open(FilePath path)
    {
        FileDescriptor directory = Libc.open(path.Bytes, OpenFlags.O_RDONLY | OpenFlags.O_DIRECTORY, 0, out Errno closed)
            ?? throw FileFailure.Of(closed, $"{path} cannot be archived");
        using FileDescriptor? entered = Libc.openat(directory, "."u8, OpenFlags.O_PATH, out Errno refused);
        if (entered is not null)
            return directory;
        directory.Dispose();
        throw FileFailure.Of(refused, $"{path} cannot be archived");
    }

    private static ProcessId Start(FileDescriptor directory, IReadOnlyList<(FileDescriptor, int)> descriptors)
    {
        SystemCallException? failure = null;
        foreach (string program in Programs)
        {
            try
            {
                return Libc.posix_spawn(program, Command, Variables, descriptors, directory);
            }
            catch (SystemCallException refused)
            {
                failure ??= refused;
            }
        }

        throw new JobException(
            FileFailure.NoProgram,
            $"{Programs[0]} cannot be executed: {failure!.Errno}; it must be installed, and a Sandbox of this job must allow to read /usr",
            failure.Errno.Value, failure);
    }

    /// <summary>Moves what tar writes, until it ends. If the client does not read, tar waits.</summary>
    private static void Relay(FileDescriptor output, FileDescriptor errors, JobContext context)
    {
        byte[] buffer = GC.AllocateUninitializedArray<byte>(BufferBytes);
        bool hasOutput = true, hasErrors = true;
        Span<PollEntry> entries = stackalloc PollEntry[2];
        while (hasOutput || hasErrors)
        {
            entries[0] = new PollEntry(hasOutput ? output : null, PollEvents.POLLIN);
            entries[1] = new PollEntry(hasErrors ? errors : null, PollEvents.POLLIN);

            // Not for ever: the daemon assumes that a job in an endless poll waits for input.
            Libc.poll(entries, int.MaxValue);
            if (entries[1].IsReady)
                hasErrors = Move(errors, context.Error, buffer);
            if (entries[0].IsReady)
                hasOutput = Move(output, context.Output, buffer);
        }
    }

    private static bool Move(FileDescriptor from, Stream to, byte[] buffer)
    {
        int count = Libc.read(from, buffer).OrThrow("read(pipe of tar)");
        to.Write(buffer, 0, count);
        return count > 0;
    }

    private static JobException Failure(WaitStatus status, FilePath path) => status switch
    {
        WaitStatus.Exited { Code: SomeFilesDiffer } => new JobException(
            FileFailure.Changed, $"files in {path} changed while they were archived; standard error names them"),
        WaitStatus.Exited ended => new JobException(
            FileFailure.Incomplete,
            $"the archive of {path} is incomplete, tar exited with {ended.Code}; standard error says what it lacks"),
        WaitStatus.Signaled ended => new JobException(
            FileFailure.Incomplete, $"the archive of {path} is incomplete: tar was killed by {ended.Signal}"),
        _ => throw new InvalidOperationException($"tar ended with {status}"),
    };
}
