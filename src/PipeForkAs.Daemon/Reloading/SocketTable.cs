using System.Globalization;
using System.Text;
using PipeForkAs.LibC;

namespace PipeForkAs.Daemon.Reloading;

/// <summary>
/// The kernel's table of Unix sockets (proc_net_unix in proc(5)). Any process can bind a socket to a name with line breaks, and so add rows
/// that look like the rows of others; it cannot remove one.
/// </summary>
internal static class SocketTable
{
    /// <summary>A socket that accepts connections: __SO_ACCEPTCON.</summary>
    private const int Listens = 0x10000;

    private const int FlagsColumn = 3, InodeColumn = 6, NameColumn = 7;

    /// <summary>Returns the path at which a process listens.</summary>
    /// <param name="process">The process.</param>
    /// <param name="inodes">The numbers of its sockets.</param>
    /// <returns>The path; null if no row names it, or more than one.</returns>
    public static string? ListeningPath(ProcessId process, IReadOnlyCollection<string> inodes)
    {
        try
        {
            string table = string.Create(CultureInfo.InvariantCulture, $"/proc/{process.Value}/net/unix");
            return ListeningPath(File.ReadLines(table, Encoding.Latin1), inodes);
        }
        catch (IOException)
        {
            // The process has ended.
            return null;
        }
    }

    /// <summary>Returns the path at which one of the sockets listens.</summary>
    /// <param name="rows">The rows of the table; each character is a byte.</param>
    /// <param name="inodes">The numbers of the sockets.</param>
    /// <returns>The path; null if no row names it, or more than one, so that somebody may have made up all of them but one.</returns>
    public static string? ListeningPath(IEnumerable<string> rows, IReadOnlyCollection<string> inodes)
    {
        string? path = null;
        foreach (string row in rows)
        {
            string[] columns = row.Split(' ', NameColumn + 1, StringSplitOptions.RemoveEmptyEntries);
            if (columns.Length <= NameColumn || !inodes.Contains(columns[InodeColumn])
                || !int.TryParse(columns[FlagsColumn], NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out int flags)
                || (flags & Listens) == 0)
                continue;
            if (path is not null)
                return null;
            path = Encoding.UTF8.GetString(Encoding.Latin1.GetBytes(columns[NameColumn]));
        }

        return path;
    }
}
