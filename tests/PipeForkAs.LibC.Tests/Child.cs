using System.Text;

namespace PipeForkAs.LibC.Tests;

/// <summary>
/// A spawned process; waits for its output and its end have a deadline. A process that a test leaves is killed and reaped.
/// </summary>
internal sealed class Child : IDisposable
{
    private const int DeadlineMilliseconds = 30_000;
    private static readonly string[] OwnEnvironment = ["PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL=C"];

    private readonly FileDescriptor output;
    private bool reaped;

    private Child(ProcessId pid, FileDescriptor output)
    {
        this.output = output;
        Pid = pid;
        Pidfd = Libc.pidfd_open(pid);
    }

    public ProcessId Pid { get; }

    public FileDescriptor Pidfd { get; }

    /// <summary>Starts a program without input, whose output goes to a pipe.</summary>
    public static Child Start(
        string path, string[] arguments, string[]? environment = null, params (FileDescriptor Source, int Target)[] descriptors) =>
        Start(null, path, arguments, environment, descriptors);

    /// <summary>The same in a working directory.</summary>
    public static Child StartIn(FileDescriptor directory, string path, string[] arguments) => Start(directory, path, arguments, null, []);

    private static Child Start(
        FileDescriptor? directory, string path, string[] arguments, string[]? environment,
        (FileDescriptor Source, int Target)[] descriptors)
    {
        (FileDescriptor read, FileDescriptor write) = Libc.pipe2();
        using (write)
        using (FileDescriptor nothing = Libc.open("/dev/null", OpenFlags.O_RDONLY))
        {
            try
            {
                ProcessId pid = Libc.posix_spawn(
                    path, [path, .. arguments], environment ?? OwnEnvironment, [(nothing, 0), (write, 1), (write, 2), .. descriptors],
                    directory);
                return new Child(pid, read);
            }
            catch
            {
                read.Dispose();
                throw;
            }
        }
    }

    /// <summary>Runs a program of the PATH, which must exit with 0, and returns what it printed.</summary>
    public static string Run(params string[] command)
    {
        using Child child = Start("/usr/bin/env", command);
        string text = child.ReadAll();
        WaitStatus status = child.Wait().Status;
        Assert.True(status is WaitStatus.Exited { Code: 0 }, $"{string.Join(' ', command)}: {status}\n{text}");
        return text;
    }

    /// <summary>All output, up to its end.</summary>
    public string ReadAll()
    {
        using var text = new MemoryStream();
        var buffer = new byte[65536];
        while (true)
        {
            WaitForOutput();
            int count = Libc.read(output, buffer).OrThrow("read(child)");
            if (count == 0)
                return Encoding.UTF8.GetString(text.ToArray());
            text.Write(buffer, 0, count);
        }
    }

    /// <summary>Waits until the child has printed something, without reading it.</summary>
    public void WaitForOutput() =>
        Assert.True(Libc.poll_readable(output, DeadlineMilliseconds), "the child is silent");

    /// <summary>Waits until the child ended, without reaping it.</summary>
    public void WaitUntilEnded() =>
        Assert.True(Libc.poll_readable(Pidfd, DeadlineMilliseconds), "the child does not end");

    /// <summary>Waits for the child's end and reaps it.</summary>
    public EndedChild Wait()
    {
        WaitUntilEnded();
        EndedChild? ended = Libc.reap(Pidfd);
        reaped = true;
        return ended!.Value;
    }

    /// <summary>The test reaped the child itself.</summary>
    public void WasReaped() => reaped = true;

    public void Dispose()
    {
        if (!reaped)
        {
            Libc.pidfd_send_signal(Pidfd, Signal.SIGKILL);
            Wait();
        }

        output.Dispose();
        Pidfd.Dispose();
    }
}
