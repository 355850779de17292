using System.Globalization;
using PipeForkAs.LibC;

namespace PipeForkAs.Daemon.Isolation;

/// <summary>A process as /proc/PID/stat tells of it; proc_pid_stat(5).</summary>
/// <param name="Pid">Its process id, which another may have once this one has been reaped.</param>
/// <param name="State">R, S, D, T, Z and so on.</param>
/// <param name="Parent">Its parent.</param>
/// <param name="Session">Its session.</param>
/// <param name="Started">When it was started, in ticks: with the process id, the same for no two processes.</param>
internal readonly record struct ProcessEntry(int Pid, char State, int Parent, int Session, long Started)
{
    /// <summary>Whether it runs, or could.</summary>
    public bool IsAlive => State is not ('Z' or 'X' or 'x');

    /// <summary>All processes.</summary>
    /// <exception cref="SystemCallException">A file cannot be read, and not because its process is gone.</exception>
    /// <exception cref="IOException">The directory cannot be read.</exception>
    public static List<ProcessEntry> All()
    {
        var all = new List<ProcessEntry>();
        foreach (string folder in Directory.EnumerateDirectories("/proc"))
        {
            if (Read(Path.GetFileName(folder)) is { } entry)
                all.Add(entry);
        }

        return all;
    }

    /// <summary>The living descendants of a process.</summary>
    public static List<ProcessEntry> Descendants(ProcessId ancestor)
    {
        ILookup<int, ProcessEntry> byParent = All().ToLookup(process => process.Parent);
        var found = new List<ProcessEntry>();
        var seen = new HashSet<int>();
        var next = new Queue<int>([ancestor.Value]);
        while (next.TryDequeue(out int parent))
        {
            // A process id that was taken anew meanwhile could make a circle.
            foreach (ProcessEntry child in byParent[parent].Where(child => seen.Add(child.Pid)))
            {
                if (child.IsAlive)
                    found.Add(child);
                next.Enqueue(child.Pid);
            }
        }

        return found;
    }

    /// <summary>One process; null where there is none of that number.</summary>
    /// <exception cref="SystemCallException">Its file cannot be read, and not because it is gone.</exception>
    public static ProcessEntry? Read(string pid)
    {
        if (!int.TryParse(pid, NumberStyles.None, CultureInfo.InvariantCulture, out int number) || ReadFile($"/proc/{pid}/stat") is not { } text)
            return null;

        // pid (name) state ppid pgrp session ...; the name may hold anything, so count from its last ')'.
        string[] fields = text[(text.LastIndexOf(')') + 1)..].Split(' ', StringSplitOptions.RemoveEmptyEntries);
        return fields.Length > 19
            ? new ProcessEntry(
                number, fields[0][0], int.Parse(fields[1], CultureInfo.InvariantCulture), int.Parse(fields[3], CultureInfo.InvariantCulture),
                long.Parse(fields[19], CultureInfo.InvariantCulture))
            : null;
    }

    /// <summary>One process; null where there is none of that number.</summary>
    public static ProcessEntry? Read(int pid) => Read(pid.ToString(CultureInfo.InvariantCulture));

    /// <summary>A file of a process; null where that is gone. What cannot be seen for another reason must not look as if it were gone.</summary>
    /// <exception cref="SystemCallException">It cannot be read.</exception>
    public static string? ReadFile(string path)
    {
        try
        {
            return PlainFile.Read(path);
        }
        catch (SystemCallException failure) when (failure.Errno == Errno.ENOENT || failure.Errno == Errno.ESRCH)
        {
            return null;
        }
    }

    /// <summary>Whether one of its user ids is this. False where it is gone.</summary>
    public bool IsOf(UserId user)
    {
        string? status = ReadFile(string.Create(CultureInfo.InvariantCulture, $"/proc/{Pid}/status"));
        string? ids = status?.Split('\n').FirstOrDefault(line => line.StartsWith("Uid:", StringComparison.Ordinal));
        return ids is not null && ids[4..].Split('\t', StringSplitOptions.RemoveEmptyEntries).Contains(user.ToString());
    }

    /// <summary>
    /// Signals it. The number may be another's since it was looked at; the descriptor stands for one process: it is looked at
    /// once more, and then it is surely the one. False where it is gone.
    /// </summary>
    public bool Send(Signal signal)
    {
        try
        {
            using FileDescriptor process = Libc.pidfd_open(new ProcessId(Pid));
            return Read(Pid)?.Started == Started && Libc.pidfd_send_signal(process, signal);
        }
        catch (SystemCallException failure) when (failure.Errno == Errno.ESRCH || failure.Errno == Errno.EINVAL)
        {
            return false;
        }
        catch (SystemCallException failure) when (failure.Errno == Errno.EMFILE || failure.Errno == Errno.ENFILE || failure.Errno == Errno.ENOMEM)
        {
            // No descriptor is left, and its number must do.
            return Read(Pid)?.Started == Started && Libc.kill(new ProcessId(Pid), signal);
        }
    }
}
