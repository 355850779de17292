using System.Buffers.Binary;
using System.Globalization;
using System.Runtime.InteropServices;
using PipeForkAs.Daemon.Files;
using PipeForkAs.LibC;

namespace PipeForkAs.Daemon.Isolation;

/// <summary>
/// Tells a job that waits for its standard input from one that computes in silence, by the system calls in which its threads are blocked
/// (/proc/PID/task/TID/syscall; proc_pid_syscall(5)). A job waits where at least one thread is blocked in a read, or an endless poll, of
/// the stdin, and every other one waits for that stdin, for another thread or process, or for a pipe of the job: none runs, sleeps for a
/// time, or waits for a network, a file or a device. Where that cannot be told, as without CAP_SYS_PTRACE, it does not. What a job forges
/// here can only end or spare itself at a stop. May block: not for the loop.
/// </summary>
internal static class InputWait
{
    private const int MostThreads = 256, MostPolled = 16, MostDescriptors = 64;

    /// <summary>The first fields of /proc/PID/task/TID/stat after the name, from 0: state, utime and stime; proc_pid_stat(5).</summary>
    private const int State = 0, UserTime = 11, SystemTime = 12;

    private const long Endless = -1;

    /// <summary>Looks at a job.</summary>
    /// <param name="worker">Its worker.</param>
    /// <param name="isProgram">Whether the worker moves the streams of a program, instead of running the job itself.</param>
    /// <param name="members">The job's processes.</param>
    /// <returns>The processor time that it has used, in ticks of the kernel; null where it does not wait for input alone.</returns>
    public static long? Look(ProcessId worker, bool isProgram, IEnumerable<int> members)
    {
        if (RuntimeInformation.ProcessArchitecture != Architecture.X64)
            return null; // The numbers of the calls are others.
        try
        {
            if ((isProgram ? PipeToProgram(worker.Value) : Link(worker.Value, 0)) is not { } stdin)
                return null;
            long ticks = 0;
            int threads = 0, waiting = 0;
            foreach (int member in members)
            {
                if (isProgram && member == worker.Value)
                    continue;
                foreach (string thread in Directory.EnumerateDirectories(Path(member, "task")))
                {
                    if (++threads > MostThreads || !Look(member, thread, stdin, ref ticks, ref waiting))
                        return null;
                }
            }

            return waiting > 0 ? ticks : null;
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException or SystemCallException)
        {
            return null; // A process ended meanwhile, or is closed to the daemon.
        }
    }

    /// <summary>The pipe that the worker of a program writes the program's stdin to; null where it has closed that.</summary>
    private static string? PipeToProgram(int worker)
    {
        int looked = 0;
        foreach (string entry in Directory.EnumerateFiles(Path(worker, "fd")))
        {
            if (++looked > MostDescriptors)
                return null;
            string number = System.IO.Path.GetFileName(entry);
            if (Libc.readlink(entry) is { } link && IsPipe(link) && IsForWriting(PlainFile.Read(Path(worker, $"fdinfo/{number}"))))
                return link;
        }

        return null;
    }

    /// <summary>The flags of open(2) in octal digits; the last digit holds the access mode.</summary>
    private static bool IsForWriting(string information) => information.Split('\n').Any(static line =>
        line.StartsWith("flags:", StringComparison.Ordinal) && ((line.TrimEnd()[^1] - '0') & 3) == (int)OpenFlags.O_WRONLY);

    /// <summary>Looks at a thread. False where it does something else than wait.</summary>
    private static bool Look(int process, string thread, string stdin, ref long ticks, ref int waiting)
    {
        string stat = PlainFile.Read($"{thread}/stat");
        string[] fields = stat[(stat.LastIndexOf(')') + 1)..].Split(' ', StringSplitOptions.RemoveEmptyEntries);
        if (fields[State] is "Z" or "X")
            return true;
        ticks += long.Parse(fields[UserTime], CultureInfo.InvariantCulture) + long.Parse(fields[SystemTime], CultureInfo.InvariantCulture);

        // Its number and six arguments in hex; "running", or -1 where it is blocked outside of a call.
        string[] words = PlainFile.Read($"{thread}/syscall").Split(' ');
        if (fields[State] != "S" || words.Length < 7
            || !int.TryParse(words[0], NumberStyles.None, CultureInfo.InvariantCulture, out int number))
            return false;
        switch ((SystemCall)number)
        {
            case SystemCall.SYS_read or SystemCall.SYS_readv or SystemCall.SYS_recvfrom or SystemCall.SYS_recvmsg or SystemCall.SYS_splice:
                string? source = Link(process, Argument(words, 0));
                waiting += source == stdin ? 1 : 0;
                return source == stdin || IsPipe(source);
            case SystemCall.SYS_poll when (int)Argument(words, 2) == Endless:
            case SystemCall.SYS_ppoll when Argument(words, 2) == 0:
                return LookAtPolled(process, Argument(words, 0), Argument(words, 1), stdin, ref waiting);
            case SystemCall.SYS_rt_sigtimedwait:
                return Argument(words, 2) == 0;
            case SystemCall.SYS_futex or SystemCall.SYS_wait4 or SystemCall.SYS_waitid:
            case SystemCall.SYS_pause or SystemCall.SYS_rt_sigsuspend:
                return true;
            default:
                return false;
        }
    }

    /// <summary>Looks at what a thread polls: an array of an int and two shorts each, in its process's memory; poll(2).</summary>
    private static bool LookAtPolled(int process, long address, long count, string stdin, ref int waiting)
    {
        const int EntrySize = 8;
        if (count is < 1 or > MostPolled)
            return false;
        Span<byte> entries = stackalloc byte[MostPolled * EntrySize];
        entries = entries[..(int)(count * EntrySize)];
        using (FileDescriptor memory = Libc.open(Path(process, "mem"), OpenFlags.O_RDONLY))
        {
            if (Libc.pread(memory, entries, address).OrThrow("pread(mem)") != entries.Length)
                return false;
        }

        for (; !entries.IsEmpty; entries = entries[EntrySize..])
        {
            int descriptor = BinaryPrimitives.ReadInt32LittleEndian(entries);
            if (descriptor < 0)
                continue;
            string? link = Link(process, descriptor);
            if (link == stdin)
                waiting++;
            else if (!IsPipe(link) && link is not ("anon_inode:[eventfd]" or "anon_inode:[signalfd]"))
                return false;
        }

        return true;
    }

    private static long Argument(string[] words, int index) =>
        unchecked((long)ulong.Parse(words[index + 1].AsSpan(2), NumberStyles.HexNumber, CultureInfo.InvariantCulture));

    /// <summary>Anonymous pipes come from a parent: they lead to other processes of the job.</summary>
    private static bool IsPipe(string? link) => link?.StartsWith("pipe:[", StringComparison.Ordinal) == true;

    private static string? Link(int process, long descriptor) =>
        Libc.readlink(Path(process, string.Create(CultureInfo.InvariantCulture, $"fd/{(int)descriptor}")));

    private static string Path(int process, string name) => string.Create(CultureInfo.InvariantCulture, $"/proc/{process}/{name}");
}
