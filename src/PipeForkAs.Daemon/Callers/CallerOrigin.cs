using System.Globalization;
using PipeForkAs.Daemon.Files;
using PipeForkAs.LibC;

namespace PipeForkAs.Daemon.Callers;

/// <summary>
/// The program of the caller, and its unit: for the audit record, never for a decision. A process can execute another program, or pass its
/// socket to another process, after it has connected.
/// </summary>
/// <param name="Executable">The target of /proc/PID/exe; null if it could not be read.</param>
/// <param name="Unit">The systemd unit of its control group; null if it has none, or if it could not be read.</param>
/// <param name="Trust">How certain it is that both belong to the process that connected.</param>
internal sealed record CallerOrigin(string? Executable, string? Unit, OriginTrust Trust)
{
    /// <summary>No origin, because the process was gone.</summary>
    public static readonly CallerOrigin Gone = new(null, null, OriginTrust.Gone);

    /// <summary>No origin, because the daemon did not examine the process.</summary>
    public static readonly CallerOrigin Skipped = new(null, null, OriginTrust.Skipped);

    private static readonly string[] UnitSuffixes = [".service", ".scope", ".socket", ".mount", ".swap"];

    /// <summary>
    /// Examines the process. No read here waits for the process: this method does not read its command line and its environment, because a
    /// process can make reads of its memory hang.
    /// </summary>
    /// <param name="socket">The socket through which the process connected.</param>
    /// <param name="pid">The process id when it connected.</param>
    public static CallerOrigin Of(FileDescriptor socket, ProcessId pid)
    {
        try
        {
            using FileDescriptor? process = Libc.getsockopt_peerpidfd(socket);
            string folder = string.Create(CultureInfo.InvariantCulture, $"/proc/{pid.Value}");
            string? executable = Libc.readlink($"{folder}/exe");
            string? unit = UnitOf(PlainFile.TryRead($"{folder}/cgroup"));

            // The process had the number before and after the read, and so during the read.
            if (process is not null)
                return Libc.pidfd_is_there(process) ? new CallerOrigin(executable, unit, OriginTrust.Process) : Gone;
            return executable is null && unit is null ? Gone : new CallerOrigin(executable, unit, OriginTrust.Number);
        }
        catch (SystemCallException)
        {
            // No descriptors are left, or the kernel denies access.
            return Gone;
        }
    }

    /// <summary>
    /// Returns the system unit to which a control group belongs: the first part of its path after the slices; null for none.
    /// </summary>
    /// <param name="groups">The content of /proc/PID/cgroup.</param>
    public static string? UnitOf(string? groups)
    {
        ReadOnlySpan<char> path = PathIn(groups);
        foreach (Range range in path.Split('/'))
        {
            ReadOnlySpan<char> part = path[range];
            if (part.IsEmpty || part.EndsWith(".slice", StringComparison.Ordinal))
                continue;

            // systemd puts '_' before a name that looks like one of the kernel's own files; systemd's cg_unescape.
            ReadOnlySpan<char> unit = part[0] == '_' ? part[1..] : part;
            foreach (string suffix in UnitSuffixes)
            {
                if (unit.Length > suffix.Length && unit.EndsWith(suffix, StringComparison.Ordinal))
                    return unit.ToString();
            }

            return null;
        }

        return null;
    }

    /// <summary>
    /// Returns the path in systemd's own hierarchy, or otherwise in that of version 2; cgroups(7). A line is "NUMBER:CONTROLLERS:PATH".
    /// </summary>
    private static ReadOnlySpan<char> PathIn(ReadOnlySpan<char> groups)
    {
        ReadOnlySpan<char> unified = default;
        foreach (Range range in groups.Split('\n'))
        {
            ReadOnlySpan<char> line = groups[range];
            if (line.StartsWith("0::", StringComparison.Ordinal))
                unified = line[3..];
            int name = line.IndexOf(":name=systemd:", StringComparison.Ordinal);
            if (name > 0 && name == line.IndexOf(':'))
                return line[(name + ":name=systemd:".Length)..];
        }

        return unified;
    }
}

/// <summary>How certain a <see cref="CallerOrigin"/> is.</summary>
internal enum OriginTrust
{
    /// <summary>The process that connected was gone before the daemon examined it.</summary>
    Gone,

    /// <summary>The daemon did not examine the process: it refused the connection while it also had to refuse too many others.</summary>
    Skipped,

    /// <summary>
    /// A process with that number: the kernel (before Linux 6.5) does not say whether another process has the number by now.
    /// </summary>
    Number,

    /// <summary>The process that connected: its pidfd shows that it had the number during the examination.</summary>
    Process,
}
