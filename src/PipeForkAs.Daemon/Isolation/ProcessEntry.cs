using System.Buffers.Text;
using System.Globalization;
using System.IO.Enumeration;
using System.Text;
using PipeForkAs.LibC;

namespace PipeForkAs.Daemon.Isolation;

/// <summary>A process, as /proc/PID/stat describes it; proc_pid_stat(5).</summary>
/// <param name="Pid">The process id; another process can have it after this one has been reaped.</param>
/// <param name="State">R, S, D, T, Z and so on.</param>
/// <param name="Parent">The process id of the parent.</param>
/// <param name="Session">The session id.</param>
/// <param name="Threads">The number of threads; a process whose first thread has ended is in state Z even if other threads run.</param>
/// <param name="Started">The start time, in ticks: no two processes have the same process id and start time.</param>
internal readonly record struct ProcessEntry(int Pid, char State, int Parent, int Session, int Threads, long Started)
{
    /// <summary>More than the kernel writes into the file: 52 numbers and a name of 64 bytes.</summary>
    private const int MaxStatBytes = 2048;

    private static readonly EnumerationOptions EveryEntry = new() { AttributesToSkip = 0, IgnoreInaccessible = false };

    /// <summary>Room for one line for each hierarchy, with a path in each line.</summary>
    private const int MaxGroupBytes = 8192;

    /// <summary>Whether the process runs, or can run.</summary>
    public bool IsAlive => State is not ('Z' or 'X' or 'x') || HasLostItsFirstThread;

    /// <summary>Whether the first thread has ended and others have not.</summary>
    public bool HasLostItsFirstThread => State == 'Z' && Threads > 1;

    /// <summary>Identifies the process among all processes, including later ones with the same process id.</summary>
    public (int Pid, long Started) Identity => (Pid, Started);

    /// <summary>Returns all processes. Slow if there are many: not for the loop.</summary>
    /// <exception cref="SystemCallException">A file cannot be read, although its process is not gone.</exception>
    /// <exception cref="IOException">The directory cannot be read.</exception>
    public static List<ProcessEntry> All()
    {
        var all = new List<ProcessEntry>();
        foreach (int pid in new FileSystemEnumerable<int>("/proc", static (ref entry) => ParseNumber(entry.FileName), EveryEntry))
        {
            if (pid > 0 && Read(pid) is { } entry)
                all.Add(entry);
        }

        return all;
    }

    /// <summary>Returns the living descendants of a process. Slow if there are many processes: not for the loop.</summary>
    public static List<ProcessEntry> Descendants(ProcessId ancestor)
    {
        ILookup<int, ProcessEntry> byParent = All().ToLookup(process => process.Parent);
        var found = new List<ProcessEntry>();
        var seen = new HashSet<int>();
        var next = new Queue<int>([ancestor.Value]);
        while (next.TryDequeue(out int parent))
        {
            // A process id that was reused meanwhile could make a circle.
            foreach (ProcessEntry child in byParent[parent].Where(child => seen.Add(child.Pid)))
            {
                if (child.IsAlive)
                    found.Add(child);
                next.Enqueue(child.Pid);
            }
        }

        return found;
    }

    /// <summary>Returns one process; null if no process has that number.</summary>
    /// <exception cref="SystemCallException">The file cannot be read, although the process is not gone.</exception>
    public static ProcessEntry? Read(int pid)
    {
        Span<byte> text = stackalloc byte[MaxStatBytes];
        int length = ReadBeginning(string.Create(CultureInfo.InvariantCulture, $"/proc/{pid}/stat"), text);

        // pid (name) state ppid pgrp session ...; the name can contain any character, so count from the last ')'.
        ReadOnlySpan<byte> rest = text[..length];
        rest = rest[(rest.LastIndexOf((byte)')') + 1)..];
        char state = '\0';
        int parent = 0, session = 0, threads = 0, field = 0;
        foreach (Range part in rest.Split((byte)' '))
        {
            ReadOnlySpan<byte> word = rest[part];
            if (word.IsEmpty)
                continue;
            switch (field++)
            {
                case 0:
                    state = (char)word[0];
                    break;
                case 1 when !Utf8Parser.TryParse(word, out parent, out _):
                case 3 when !Utf8Parser.TryParse(word, out session, out _):
                case 17 when !Utf8Parser.TryParse(word, out threads, out _):
                    return null;
                case 19:
                    bool isNumber = Utf8Parser.TryParse(word, out long started, out _);
                    return isNumber ? new ProcessEntry(pid, state, parent, session, threads, started) : null;
            }
        }

        return null;
    }

    /// <summary>Returns the user ids: real, effective, saved, of the file system. Null if the process is gone.</summary>
    /// <exception cref="SystemCallException">The user ids cannot be read.</exception>
    public UserId[]? Users()
    {
        // The user ids are in the ninth line; the lines before it are short.
        Span<byte> text = stackalloc byte[1024];
        int length = ReadBeginning(string.Create(CultureInfo.InvariantCulture, $"/proc/{Pid}/status"), text);
        ReadOnlySpan<byte> rest = text[..length];
        int begin = rest.IndexOf("\nUid:"u8);
        if (begin < 0)
            return null;
        var users = new UserId[4];
        int count = 0;
        rest = rest[(begin + 5)..];
        foreach (Range part in rest.SplitAny("\t\n "u8))
        {
            if (count < users.Length && Utf8Parser.TryParse(rest[part], out uint user, out _))
                users[count++] = new UserId(user);
            else if (!rest[part].IsEmpty)
                break;
        }

        return count == users.Length ? users : null;
    }

    /// <summary>Whether a process is in a control group of version 2 below another; null if the process is gone.</summary>
    /// <param name="pid">The number of the process.</param>
    /// <param name="group">The other group, as in /proc/PID/cgroup.</param>
    /// <exception cref="SystemCallException">The group of the process cannot be read.</exception>
    public static bool? IsIn(int pid, string group) =>
        Groups(pid) is not { } lines ? null : Array.Exists(lines, line => line.StartsWith($"0::{group}/", StringComparison.Ordinal));

    /// <summary>
    /// Signals the process. Another process can have the number by now, but a descriptor refers to one process: this method opens a
    /// descriptor, checks the process again, and then signals through the descriptor. Returns false if the process is gone.
    /// </summary>
    /// <param name="signal">The signal.</param>
    /// <exception cref="SystemCallException">The process cannot be signalled, or no descriptor is left for that.</exception>
    public bool Send(Signal signal)
    {
        long started = Started;
        return Send(Pid, signal, pid => Read(pid)?.Started == started);
    }

    /// <summary>
    /// Kills a process that is in a control group, with all of its threads. Returns false if it is gone, or in another group.
    /// </summary>
    /// <param name="pid">The number of the process.</param>
    /// <param name="group">The group, as in /proc/PID/cgroup.</param>
    /// <exception cref="SystemCallException">The process cannot be signalled, or no descriptor is left for that.</exception>
    public static bool KillIn(int pid, string group) =>
        Send(pid, Signal.SIGKILL, number => Groups(number) is { } lines && lines.Contains($"0::{group}"));

    private static bool Send(int pid, Signal signal, Predicate<int> isTheOne)
    {
        try
        {
            using FileDescriptor process = Libc.pidfd_open(new ProcessId(pid));
            return isTheOne(pid) && Libc.pidfd_send_signal(process, signal);
        }
        catch (SystemCallException failure) when (failure.Errno == Errno.ESRCH || failure.Errno == Errno.EINVAL)
        {
            return false;
        }
    }

    /// <summary>Returns the lines of the process's control groups; null if the process is gone.</summary>
    private static string[]? Groups(int pid)
    {
        Span<byte> text = stackalloc byte[MaxGroupBytes];
        int length = ReadBeginning(string.Create(CultureInfo.InvariantCulture, $"/proc/{pid}/cgroup"), text);
        return length == 0 ? null : Encoding.UTF8.GetString(text[..length]).Split('\n');
    }

    /// <summary>Reads the beginning of a file of a process; returns 0 bytes if, and only if, the process is gone.</summary>
    private static int ReadBeginning(string path, Span<byte> text)
    {
        try
        {
            using FileDescriptor file = Libc.open(path, OpenFlags.O_RDONLY);
            IOResult read = Libc.read(file, text);
            if (read.Failed && read.Errno != Errno.ESRCH)
                read.OrThrow($"read(\"{path}\")");
            return (int)read.Count;
        }
        catch (SystemCallException failure) when (failure.Errno == Errno.ENOENT || failure.Errno == Errno.ESRCH)
        {
            return 0;
        }
    }

    private static int ParseNumber(ReadOnlySpan<char> name) =>
        int.TryParse(name, NumberStyles.None, CultureInfo.InvariantCulture, out int number) ? number : 0;
}
