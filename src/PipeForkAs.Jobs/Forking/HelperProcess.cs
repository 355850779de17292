using System.Diagnostics;
using System.Text;
using PipeForkAs.Jobs.Runtime;
using PipeForkAs.LibC;

namespace PipeForkAs.Jobs.Forking;

/// <summary>Runs a piece of the job host's own start in a forked child, which is thrown away with its memory.</summary>
internal static class HelperProcess
{
    /// <summary>How long a helper may take. It only bounds a broken start; a healthy one takes milliseconds.</summary>
    private const int DeadlineMilliseconds = 10_000;

    /// <summary>Runs an action in a child and waits for its end.</summary>
    /// <exception cref="HostRefusedException">It failed, or did not end in time; the message says what it said.</exception>
    public static void Run(string name, Action action) => Start(name, _ => action()).Finish();

    /// <summary>Starts a child that writes to <paramref name="action"/>'s descriptor what <see cref="Helper.Finish"/> returns.</summary>
    public static Helper Start(string name, Action<FileDescriptor> action)
    {
        (FileDescriptor read, FileDescriptor write) = Libc.pipe2();
        using (write)
        {
#pragma warning disable RS0030 // A place that forks; the job host has one thread here.
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
#pragma warning disable CA1031 // The edge of the child: whatever it is, the job host tells it, and no code of the parent's may run on.
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
        /// <summary>Waits for the child's end and returns what it wrote.</summary>
        /// <exception cref="HostRefusedException">It failed, or did not end in time.</exception>
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
