using System.Globalization;
using PipeForkAs.LibC;

namespace PipeForkAs.EndToEnd.Harness;

/// <summary>Reads /proc; proc(5).</summary>
internal static class ProcFs
{
    /// <summary>Whether the process exists, also as a zombie.</summary>
    public static bool IsThere(int pid) => Directory.Exists($"/proc/{pid}");

    /// <summary>Open descriptors.</summary>
    public static int Descriptors(int pid) => Directory.GetFileSystemEntries($"/proc/{pid}/fd").Length;

    /// <summary>The resident set in bytes.</summary>
    public static long ResidentBytes(int pid) => long.Parse(StatusField(pid, "VmRSS").Split(' ')[0], CultureInfo.InvariantCulture) * 1024;

    /// <summary>A field of /proc/PID/status, trimmed, tabs as spaces.</summary>
    public static string StatusField(int pid, string name)
    {
        string line = File.ReadLines($"/proc/{pid}/status").First(l => l.StartsWith($"{name}:", StringComparison.Ordinal));
        return line[(name.Length + 1)..].Replace('\t', ' ').Trim();
    }

    /// <summary>Whether no signal is blocked: the last step of a worker before its function.</summary>
    public static bool TakesSignals(int pid) => StatusField(pid, "SigBlk").All(digit => digit == '0');

    /// <summary>Whether a process has a handler for a signal.</summary>
    public static bool Catches(int pid, Signal signal) =>
        (Convert.ToUInt64(StatusField(pid, "SigCgt"), 16) >> (signal.Number - 1) & 1) != 0;

    /// <summary>The children, zombies included.</summary>
    public static IReadOnlyList<int> Children(int pid)
    {
        var children = new List<int>();
        foreach (string folder in Directory.EnumerateDirectories("/proc"))
        {
            if (int.TryParse(Path.GetFileName(folder), NumberStyles.None, CultureInfo.InvariantCulture, out int child)
                && Stat(child) is { } stat && stat.Parent == pid)
                children.Add(child);
        }

        return children;
    }

    /// <summary>The children, their children and so on.</summary>
    public static IEnumerable<int> Descendants(int pid) => Children(pid).SelectMany(child => Descendants(child).Prepend(child));

    /// <summary>All processes of some users, by their effective uid; without zombies, unless one of their threads lives.</summary>
    public static IReadOnlyList<int> OfUsers(IReadOnlyCollection<UserId> users)
    {
        var found = new List<int>();
        foreach (string folder in Directory.EnumerateDirectories("/proc"))
        {
            if (int.TryParse(Path.GetFileName(folder), NumberStyles.None, CultureInfo.InvariantCulture, out int pid) && IsAlive(pid)
                && users.Contains(User(pid)))
                found.Add(pid);
        }

        return found;
    }

    /// <summary>Whether a thread of a process lives: the state of a process is that of its first one.</summary>
    public static bool IsAlive(int pid)
    {
        try
        {
            string[] fields = StatFields(pid);
            return fields[0] is not ("Z" or "X") || int.Parse(fields[17], CultureInfo.InvariantCulture) > 1;
        }
        catch (IOException)
        {
            return false;
        }
    }

    /// <summary>Whether users have any process, zombies included.</summary>
    public static bool HasAny(params UserId[] users) =>
        Directory.EnumerateDirectories("/proc").Any(folder =>
            int.TryParse(Path.GetFileName(folder), NumberStyles.None, CultureInfo.InvariantCulture, out int pid)
            && users.Contains(User(pid)));

    /// <summary>All processes with a text in their command line.</summary>
    public static IReadOnlyList<int> Mentioning(string text)
    {
        var found = new List<int>();
        foreach (string folder in Directory.EnumerateDirectories("/proc"))
        {
            if (int.TryParse(Path.GetFileName(folder), NumberStyles.None, CultureInfo.InvariantCulture, out int pid)
                && CommandLine(pid).Contains(text, StringComparison.Ordinal))
                found.Add(pid);
        }

        return found;
    }

    /// <summary>Process ids and command lines, for messages.</summary>
    public static string Names(IEnumerable<int> pids) =>
        string.Join("; ", pids.Select(pid => string.Create(CultureInfo.InvariantCulture, $"{pid} {CommandLine(pid).Replace('\0', ' ')}")));

    /// <summary>The command line, its words separated by NUL; empty if the process has ended.</summary>
    public static string CommandLine(int pid)
    {
        try
        {
            return File.ReadAllText($"/proc/{pid}/cmdline");
        }
        catch (IOException)
        {
            return "";
        }
    }

    /// <summary>The effective uid; <see cref="UserId.Unchanged"/> if the process has ended.</summary>
    public static UserId User(int pid)
    {
        try
        {
            return new UserId(uint.Parse(StatusField(pid, "Uid").Split(' ')[1], CultureInfo.InvariantCulture));
        }
        catch (IOException)
        {
            return UserId.Unchanged;
        }
    }

    /// <summary>/proc/PID/stat from the state on: 0 state, 1 parent, 2 group, 3 session, 4 terminal, 16 nice, 17 threads.</summary>
    public static string[] StatFields(int pid)
    {
        // The name in parentheses may contain anything.
        string text = File.ReadAllText($"/proc/{pid}/stat");
        return text[(text.LastIndexOf(')') + 2)..].TrimEnd().Split(' ');
    }

    /// <summary>State, parent, group and session; null if the process has ended.</summary>
    public static (char State, int Parent, int Group, int Session)? Stat(int pid)
    {
        try
        {
            string[] fields = StatFields(pid);
            return (fields[0][0], int.Parse(fields[1], CultureInfo.InvariantCulture), int.Parse(fields[2], CultureInfo.InvariantCulture),
                int.Parse(fields[3], CultureInfo.InvariantCulture));
        }
        catch (IOException)
        {
            return null;
        }
    }
}
