using System.Globalization;
using System.Runtime.InteropServices;
using System.Text;
using PipeForkAs.Daemon.Files;
using PipeForkAs.LibC;
using PipeForkAs.Protocol.Worker;

namespace PipeForkAs.Daemon.Isolation;

/// <summary>
/// Tells a job that waits for its standard input from one that computes in silence, by the system calls in which its threads are blocked
/// (/proc/PID/task/TID/syscall; proc_pid_syscall(5)). A job waits where at least one thread is blocked in a read, or an endless poll, of
/// the stdin, and every other one waits for that stdin, for another thread or process, or for a pipe of the job: none runs, sleeps for a
/// time, or waits for a network, a file or a device. Where that cannot be told, as without CAP_SYS_PTRACE, it does not. What a job forges
/// here can only end or spare itself at a stop. May block: not for the loop.
/// </summary>
/// <remarks>
/// Nothing that is read here waits for a job's memory or files, which a job can make hang for ever, and in a sleep that no signal ends. So
/// what a thread polls, which is in its memory, is not read: the process must have nothing open that it could wait for besides. Nor are
/// stat, status and statm: who reads them holds the memory for a moment, and frees it where the process ends in that moment, which can wait
/// for a file that is mapped. Links are read and not followed.
/// </remarks>
internal static class InputWait
{
    private const int MostThreads = 256, MostDescriptors = 64;

    /// <summary>Time in units of 10 ms: a thread that wakes up for less does not count as working.</summary>
    private const long Tick = 10_000_000;

    private const long Endless = -1;

    /// <summary>Looks at a job.</summary>
    /// <param name="worker">Its worker.</param>
    /// <param name="isProgram">Whether the worker moves the streams of a program, instead of running the job itself.</param>
    /// <param name="members">The job's processes.</param>
    /// <returns>The processor time that it has used, in units of 10 ms; null where it does not wait for input alone.</returns>
    public static long? Look(ProcessId worker, bool isProgram, IEnumerable<int> members)
    {
        if (RuntimeInformation.ProcessArchitecture != Architecture.X64)
            return null; // The numbers of the calls are others.
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
            return null; // A process ended meanwhile, or is closed to the daemon.
        }
    }

    /// <summary>The pipe that the worker of a program writes the program's stdin to; null where it has closed that.</summary>
    private static string? PipeToProgram(int worker)
    {
        foreach (string number in Names(Path(worker, "fd"), MostDescriptors) ?? [])
        {
            if (Link(worker, number) is { } link && IsPipe(link) && IsForWriting(PlainFile.Read(Path(worker, $"fdinfo/{number}"))))
                return link;
        }

        return null;
    }

    /// <summary>The streams of a function, and its worker's control socket.</summary>
    private static HashSet<string> OwnStreams(int worker) =>
        [.. Enumerable.Range(0, WorkerProtocol.ControlDescriptor + 1).Select(number => Link(worker, number)).OfType<string>()];

    /// <summary>The flags of open(2) in octal digits; the last digit holds the access mode.</summary>
    private static bool IsForWriting(string information) => information.Split('\n').Any(static line =>
        line.StartsWith("flags:", StringComparison.Ordinal) && ((line.TrimEnd()[^1] - '0') & 3) == (int)OpenFlags.O_WRONLY);

    /// <summary>Looks at a thread: whether it waits for the stdin. Null where it does something else than wait.</summary>
    private static bool? Look(int process, string thread, string stdin, HashSet<string> streams, ref long nanoseconds)
    {
        string folder = Path(process, $"task/{thread}");

        // Its number and six arguments in hex; "running", or -1 where it is blocked outside of a call.
        string[] words = PlainFile.Read($"{folder}/syscall").TrimEnd().Split(' ');
        if (words is ["-1", ..] && Libc.readlink($"{folder}/exe") is null)
            return false; // It has ended, and its parent has not asked for that yet.

        // The time that it has run comes first; "Scheduler Statistics" in the kernel's documentation.
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
    /// Whether a process has the stdin open, and nothing else that it could poll and that does not lead to the job itself.
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

    /// <summary>The names in a directory; null where there are more than the most, or it cannot be read.</summary>
    private static List<string>? Names(string directory, int most) =>
        Libc.names_in(Encoding.UTF8.GetBytes(directory), out _, most: most) is { } names && names.Count <= most
            ? names.ConvertAll(Encoding.UTF8.GetString)
            : null;

    private static string Path(int process, string name) => string.Create(CultureInfo.InvariantCulture, $"/proc/{process}/{name}");
}
