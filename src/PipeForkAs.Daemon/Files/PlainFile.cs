using System.Text;
using PipeForkAs.LibC;

namespace PipeForkAs.Daemon.Files;

/// <summary>
/// Files that others may open too, by plain calls. .NET's files take a lock (flock(2)) on what they open, and fail where another holds
/// one: a job could hide its /proc/PID/stat from the daemon by locking it, and whoever may read the configuration could keep the
/// daemon from starting.
/// </summary>
internal static class PlainFile
{
    /// <summary>Reads all of it as text in UTF-8.</summary>
    /// <exception cref="SystemCallException">It cannot be read.</exception>
    public static string Read(string path) => Encoding.UTF8.GetString(ReadBytes(path));

    /// <summary>Reads all of it.</summary>
    /// <exception cref="SystemCallException">It cannot be read.</exception>
    public static byte[] ReadBytes(string path)
    {
        using FileDescriptor file = Libc.open(path, OpenFlags.O_RDONLY);
        Span<byte> piece = stackalloc byte[4096];
        var all = new List<byte>();

        // Less than there is room for is not the end: files in /proc are given out in whole records.
        int length;
        while ((length = Libc.read(file, piece).OrThrow($"read(\"{path}\")")) > 0)
            all.AddRange(piece[..length]);
        return [.. all];
    }

    /// <summary>Reads all of it as text in UTF-8; null where it is gone, or cannot be read.</summary>
    public static string? TryRead(string path)
    {
        try
        {
            return Read(path);
        }
        catch (SystemCallException)
        {
            return null;
        }
    }

    /// <summary>Writes a value in one call.</summary>
    /// <exception cref="SystemCallException">It cannot be opened.</exception>
    public static IOResult Write(string path, string value)
    {
        using FileDescriptor file = Libc.open(path, OpenFlags.O_WRONLY);
        return Libc.write(file, Encoding.ASCII.GetBytes(value));
    }
}
