using System.Diagnostics;
using System.Text;
using PipeForkAs.Jobs.Runtime;
using PipeForkAs.LibC;

namespace PipeForkAs.Jobs.Forking;

/// <summary>Runs a part of the job host's start in a forked child. The memory that it uses ends with the child.</summary>
internal static class HelperProcess
{
    /// <summary>How long a helper process may take. The limit only matters if the start hangs; normally it takes milliseconds.</summary>
    private const int DeadlineMilliseconds = 10_000;

    /// <summary>Runs an action in a child and waits for the child's end.</summary>
    /// <exception cref="HostRefusedException">
    /// The action failed or did not end in time; the message contains the child's message.
    /// </exception>
    public static void Run(string name, Action action) => Start(name, _ => action()).Finish();

    /// <summary>Starts a child. <paramref name="action"/> writes to its descriptor what <see cref="Helper.Finish"/> returns.</summary>
    public static Helper Start(string name, Action<FileDescriptor> action)
    {
        (FileDescriptor read, FileDescriptor write) = Libc.pipe2();
        using (write)
        {
#pragma warning disable RS0030 // The job host has one thread when it forks here.
            ProcessId? child = Libc.fork();
#pragma warning restore RS0030
            if (child is { } pid)
                return new Helper(name, pid, read);

            Live(write, action);
            return null!; // Not reached.
        }
    }

    [System.Diagnostics.CodeAnalysis.DoesNotReturn]
    private static void Live(FileDescriptor write, Action<FileDescriptor> action)
    {
        try
        {
            Libc.sigmask_set(SignalSet.Empty);
            RuntimeThreads.AllowFinalizerThread();
            action(write);
            Libc._exit(0);
        }
#pragma warning disable CA1031 // The child reports every failure to the job host; the parent's code must not continue here.
        catch (Exception failure)
#pragma warning restore CA1031
        {
            Libc.write(write, Encoding.UTF8.GetBytes(failure is HostRefusedException ? failure.Message : failure.ToString()));
        }
        finally
        {
            Libc._exit(1);
        }

        throw new UnreachableException();
    }

    /// <summary>A running child.</summary>
    internal sealed class Helper(string name, ProcessId pid, FileDescriptor output)
    {
        /// <summary>Waits for the child's end and returns what the child wrote.</summary>
        /// <exception cref="HostRefusedException">The child failed or did not end in time.</exception>
        public byte[] Finish()
        {
            using (output)
            {
                var text = new byte[8192];
                int length = 0;
                using FileDescriptor end = Libc.pidfd_open(pid);
                bool closed = false, timedOut = false;
                while (!closed && !timedOut)
                {
                    bool readable = Libc.poll_readable(output, DeadlineMilliseconds);
                    timedOut = !readable;
                    if (readable && length < text.Length)
                    {
                        int count = Libc.read(output, text.AsSpan(length)).OrThrow("read(helper)");
                        closed = count == 0;
                        length += count;
                    }
                    else
                    {
                        closed = true;
                    }
                }

                timedOut |= !Libc.poll_readable(end, DeadlineMilliseconds);
                if (timedOut)
                    Libc.kill(pid, Signal.SIGKILL);

                EndedChild child = Libc.wait_for(pid);
                if (timedOut)
                    throw new HostRefusedException($"{name} hung for {DeadlineMilliseconds / 1000} s");
                if (child.Status is not WaitStatus.Exited { Code: 0 })
                    throw new HostRefusedException($"{name} failed ({child.Status}): {Encoding.UTF8.GetString(text, 0, length)}");
                return text[..length];
            }
        }
    }
}
