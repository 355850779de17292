using System.Globalization;
using System.Runtime.InteropServices;
using System.Text;
using PipeForkAs.Daemon.Files;
using PipeForkAs.LibC;
using PipeForkAs.Protocol.Worker;

namespace PipeForkAs.Daemon.Isolation;

/// <summary>
/// Distinguishes a job that waits for its standard input from a job that computes in silence, by the system calls in which its threads are
/// blocked (/proc/PID/task/TID/syscall; proc_pid_syscall(5)). A job waits if at least one thread is blocked in a read, or an endless poll,
/// of stdin, and every other thread waits for that stdin, for another thread or process, or for a pipe of the job: no thread runs, sleeps
/// for a time, or waits for a network, a file or a device. If this class cannot determine that, for example without CAP_SYS_PTRACE, the job
/// counts as not waiting. A job that forges these facts can only end or spare itself at a stop. Can block: not for the loop.
/// </summary>
/// <remarks>
/// No read here waits for a job's memory or files: a job can make such a read hang forever, in a sleep that no signal ends. So this class
/// does not read which descriptors a thread polls, because that is in the job's memory; instead, the process must have no other descriptor
/// open that it could wait for. This class also does not read stat, status and statm: a reader of these files takes a reference to the
/// memory for a moment, and frees the memory if the process ends in that moment; that can wait for a mapped file. This class reads links
/// and does not follow them.
/// </remarks>
internal static class InputWait
{
    private const int MostThreads = 256, MostDescriptors = 64;

    /// <summary>10 ms, in nanoseconds; the unit of processor time: a thread that wakes up for less does not count as working.</summary>
    private const long Tick = 10_000_000;

    private const long Endless = -1;

    /// <summary>Examines a job.</summary>
    /// <param name="worker">The worker of the job.</param>
    /// <param name="isProgram">Whether the worker relays the streams of a program, instead of running the job itself.</param>
    /// <param name="members">The processes of the job.</param>
    /// <returns>The processor time that the job has used, in units of 10 ms; null if it does not wait for input alone.</returns>
    public static long? Look(ProcessId worker, bool isProgram, IEnumerable<int> members)
    {
        if (RuntimeInformation.ProcessArchitecture != Architecture.X64)
            return null; // This architecture has other system call numbers.
        try
        {
            if ((isProgram ? PipeToProgram(worker.Value) : Link(worker.Value, 0)) is not { } stdin)
                return null;
            HashSet<string> streams = isProgram ? [] : OwnStreams(worker.Value);
            long nanoseconds = 0;
            int threads = 0;
            bool isWaiting = false;
            foreach (int member in members)
            {
                if (isProgram && member == worker.Value)
                    continue;
                if (Names(Path(member, "task"), MostThreads) is not { } tasks)
                    return null;
                foreach (string thread in tasks)
                {
                    if (++threads > MostThreads || Look(member, thread, stdin, streams, ref nanoseconds) is not { } waits)
                        return null;
                    isWaiting |= waits;
                }
            }

            return isWaiting ? nanoseconds / Tick : null;
        }
        catch (SystemCallException)
        {
            return null; // A process has ended, or the daemon cannot access it.
        }
    }

    /// <summary>
    /// Returns the pipe through which the worker of a program writes to the program's stdin; null if the worker has closed it.
    /// </summary>
    private static string? PipeToProgram(int worker)
    {
        foreach (string number in Names(Path(worker, "fd"), MostDescriptors) ?? [])
        {
            if (Link(worker, number) is { } link && IsPipe(link) && IsForWriting(PlainFile.Read(Path(worker, $"fdinfo/{number}"))))
                return link;
        }

        return null;
    }

    /// <summary>Returns the streams of a function, and the control socket of its worker.</summary>
    private static HashSet<string> OwnStreams(int worker) =>
        [.. Enumerable.Range(0, WorkerProtocol.ControlDescriptor + 1).Select(number => Link(worker, number)).OfType<string>()];

    /// <summary>The flags of open(2) are in octal digits; the last digit contains the access mode.</summary>
    private static bool IsForWriting(string information) => information.Split('\n').Any(static line =>
        line.StartsWith("flags:", StringComparison.Ordinal) && ((line.TrimEnd()[^1] - '0') & 3) == (int)OpenFlags.O_WRONLY);

    /// <summary>Examines a thread: returns whether it waits for stdin. Returns null if the thread does not wait.</summary>
    private static bool? Look(int process, string thread, string stdin, HashSet<string> streams, ref long nanoseconds)
    {
        string folder = Path(process, $"task/{thread}");

        // The number of the call and six arguments in hex; or "running"; or -1 if the thread is blocked outside of a call.
        string[] words = PlainFile.Read($"{folder}/syscall").TrimEnd().Split(' ');
        if (words is ["-1", ..] && Libc.readlink($"{folder}/exe") is null)
            return false; // The thread has ended, and its parent has not reaped it yet.

        // The first number is the time for which the thread has run; "Scheduler Statistics" in the kernel's documentation.
        nanoseconds += long.Parse(PlainFile.Read($"{folder}/schedstat").Split(' ')[0], CultureInfo.InvariantCulture);
        if (words.Length < 7 || !int.TryParse(words[0], NumberStyles.None, CultureInfo.InvariantCulture, out int number))
            return null;
        switch ((SystemCall)number)
        {
            case SystemCall.SYS_read or SystemCall.SYS_readv or SystemCall.SYS_recvfrom or SystemCall.SYS_recvmsg or SystemCall.SYS_splice:
                string? source = Link(process, (int)Argument(words, 0));
                return source == stdin ? true : IsPipe(source) ? false : null;
            case SystemCall.SYS_poll when (int)Argument(words, 2) == Endless:
            case SystemCall.SYS_ppoll when Argument(words, 2) == 0:
                return HasOnlyStreams(process, stdin, streams) ? true : null;
            case SystemCall.SYS_rt_sigtimedwait:
                return Argument(words, 2) == 0 ? false : null;
            case SystemCall.SYS_futex or SystemCall.SYS_wait4 or SystemCall.SYS_waitid:
            case SystemCall.SYS_pause or SystemCall.SYS_rt_sigsuspend:
                return false;
            default:
                return null;
        }
    }

    /// <summary>
    /// Whether a process has stdin open, and no other descriptor that it could poll and that does not lead to the job itself.
    /// </summary>
    private static bool HasOnlyStreams(int process, string stdin, HashSet<string> streams)
    {
        List<string?>? links = Names(Path(process, "fd"), MostDescriptors)?.ConvertAll(number => Link(process, number));
        return links is not null && links.Contains(stdin) && links.TrueForAll(link =>
            IsPipe(link) || link is "anon_inode:[eventfd]" or "anon_inode:[signalfd]" or "/dev/null"
            || (link is not null && streams.Contains(link)));
    }

    private static long Argument(string[] words, int index) =>
        unchecked((long)ulong.Parse(words[index + 1].AsSpan(2), NumberStyles.HexNumber, CultureInfo.InvariantCulture));

    /// <summary>Anonymous pipes come from a parent: they lead to other processes of the job.</summary>
    private static bool IsPipe(string? link) => link?.StartsWith("pipe:[", StringComparison.Ordinal) == true;

    private static string? Link<T>(int process, T descriptor) => Libc.readlink(Path(process, $"fd/{descriptor}"));

    /// <summary>Returns the names in a directory; null if there are more than the maximum, or if the directory cannot be read.</summary>
    private static List<string>? Names(string directory, int most) =>
        Libc.names_in(Encoding.UTF8.GetBytes(directory), out _, most: most) is { } names && names.Count <= most
            ? names.ConvertAll(Encoding.UTF8.GetString)
            : null;

    private static string Path(int process, string name) => string.Create(CultureInfo.InvariantCulture, $"/proc/{process}/{name}");
}
