using System.Globalization;
using PipeForkAs.Daemon.Files;
using PipeForkAs.LibC;

namespace PipeForkAs.Daemon.Callers;

/// <summary>
/// Which program asks, and of which unit: for the audit record, never to decide by. A process may execute another program, or hand its
/// socket to another process, after it has connected.
/// </summary>
/// <param name="Executable">Where /proc/PID/exe leads to; null where it could not be read.</param>
/// <param name="Unit">The systemd unit of its control group; null where it has none, or it could not be read.</param>
/// <param name="Trust">How sure it is that both are of the process that connected.</param>
internal sealed record CallerOrigin(string? Executable, string? Unit, OriginTrust Trust)
{
    /// <summary>Nothing.</summary>
    public static readonly CallerOrigin Gone = new(null, null, OriginTrust.Gone);

    /// <summary>Nothing, because nobody looked.</summary>
    public static readonly CallerOrigin Skipped = new(null, null, OriginTrust.Skipped);

    private static readonly string[] UnitSuffixes = [".service", ".scope", ".socket", ".mount", ".swap"];

    /// <summary>
    /// Looks. Nothing that is read here waits for the process: what does, as its command line and its environment, whose memory can be
    /// made to hang, is not read.
    /// </summary>
    /// <param name="socket">What it connected by.</param>
    /// <param name="pid">Its process id when it connected.</param>
    public static CallerOrigin Of(FileDescriptor socket, ProcessId pid)
    {
        try
        {
            using FileDescriptor? process = Libc.getsockopt_peerpidfd(socket);
            string folder = string.Create(CultureInfo.InvariantCulture, $"/proc/{pid.Value}");
            string? executable = Libc.readlink($"{folder}/exe");
            string? unit = UnitOf(PlainFile.TryRead($"{folder}/cgroup"));

            // The number was the process's own at both ends of the reading, and so all the while.
            if (process is not null)
                return Libc.pidfd_is_there(process) ? new CallerOrigin(executable, unit, OriginTrust.Process) : Gone;
            return executable is null && unit is null ? Gone : new CallerOrigin(executable, unit, OriginTrust.Number);
        }
        catch (SystemCallException)
        {
            // No descriptors are left, or the kernel keeps its secrets.
            return Gone;
        }
    }

    /// <summary>The system's unit that a control group belongs to: the first part of its path behind the slices; null for none.</summary>
    /// <param name="groups">The content of /proc/PID/cgroup.</param>
    public static string? UnitOf(string? groups)
    {
        ReadOnlySpan<char> path = PathIn(groups);
        foreach (Range range in path.Split('/'))
        {
            ReadOnlySpan<char> part = path[range];
            if (part.IsEmpty || part.EndsWith(".slice", StringComparison.Ordinal))
                continue;

            // A name that would look like the kernel's own files has '_' in front; systemd's cg_unescape.
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
    /// The path in systemd's own hierarchy, or else in that of version 2; cgroups(7). A line is "NUMBER:CONTROLLERS:PATH".
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

/// <summary>How sure it is what a <see cref="CallerOrigin"/> tells of.</summary>
internal enum OriginTrust
{
    /// <summary>The process that connected was gone before it was looked at.</summary>
    Gone,

    /// <summary>The process was not looked at: its connection was refused while too many others had to be refused, too.</summary>
    Skipped,

    /// <summary>A process of its number: the kernel (before Linux 6.5) does not tell whether another has it by now.</summary>
    Number,

    /// <summary>The process that connected: it had its number while it was looked at, by its pidfd.</summary>
    Process,
}
