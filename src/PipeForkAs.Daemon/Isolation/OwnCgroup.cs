using System.Globalization;
using System.Text;
using PipeForkAs.Daemon.Files;

namespace PipeForkAs.Daemon.Isolation;

/// <summary>Finds the control group of this process in the file system; cgroups(7), version 2, also if version 1 is mounted too.</summary>
internal static class OwnCgroup
{
    /// <summary>Returns the path of the group, as in /proc/PID/cgroup; null if there is no version 2.</summary>
    public static string? Path() => Path(PlainFile.TryRead("/proc/self/cgroup") ?? "");

    /// <summary>Returns the directory of the group; null if there is no version 2, or if this process cannot see it.</summary>
    public static string? Find() => Find(PlainFile.TryRead("/proc/self/mountinfo") ?? "", PlainFile.TryRead("/proc/self/cgroup") ?? "");

    /// <summary>Returns the directory of the group, from the contents of two files.</summary>
    /// <param name="mounts">The contents of /proc/self/mountinfo; proc_pid_mountinfo(5).</param>
    /// <param name="groups">The contents of /proc/self/cgroup.</param>
    public static string? Find(string mounts, string groups)
    {
        string? own = Path(groups);

        // "/.." leads out of the cgroup namespace of this process: this process may not use such a group.
        if (own is null || own.Split('/').Contains("..") || own.EndsWith(" (deleted)", StringComparison.Ordinal))
            return null;
        foreach (string line in mounts.Split('\n'))
        {
            // 41 31 0:38 ROOT MOUNTPOINT options [tags...] - type source options
            string[] ends = line.Split(" - ", 2);
            string[] fields = ends[0].Split(' ');
            if (ends.Length < 2 || fields.Length < 6 || !ends[1].StartsWith("cgroup2 ", StringComparison.Ordinal))
                continue;
            string root = Unescape(fields[3]), mountPoint = Unescape(fields[4]);
            if (root == "/")
                return Join(mountPoint, own);
            if (own == root || own.StartsWith(root + "/", StringComparison.Ordinal))
                return Join(mountPoint, own[root.Length..]);
        }

        return null;
    }

    private static string? Path(string groups) =>
        groups.Split('\n').FirstOrDefault(line => line.StartsWith("0::/", StringComparison.Ordinal))?[3..];

    private static string Join(string mountPoint, string path) => (mountPoint + path).TrimEnd('/');

    /// <summary>Decodes a path: the kernel writes space, tab, newline and backslash as three octal digits.</summary>
    private static string Unescape(string text)
    {
        var plain = new StringBuilder(text.Length);
        for (int i = 0; i < text.Length; i++)
        {
            if (text[i] == '\\' && i + 3 < text.Length && text.AsSpan(i + 1, 3).IndexOfAnyExceptInRange('0', '7') < 0)
            {
                plain.Append((char)(((text[i + 1] - '0') << 6) | ((text[i + 2] - '0') << 3) | (text[i + 3] - '0')));
                i += 3;
            }
            else
            {
                plain.Append(text[i]);
            }
        }

        return plain.ToString();
    }

    /// <summary>
    /// Returns the name of the daemon's group if systemd delegated none. One configuration always gets the same name, and another
    /// configuration gets another name.
    /// </summary>
    public static string NameFor(string socketPath)
    {
        // FNV-1a: stable across restarts, unlike the hash codes of strings.
        ulong hash = 14695981039346656037;
        foreach (byte part in Encoding.UTF8.GetBytes(socketPath))
            hash = unchecked((hash ^ part) * 1099511628211);
        return string.Create(CultureInfo.InvariantCulture, $"pipeforkas-{hash:x16}");
    }
}
