using System.Text;
using PipeForkAs.LibC;

namespace PipeForkAs.Daemon.Files;

/// <summary>
/// Reads and writes files that other processes can open too, with plain system calls. The file classes of .NET lock (flock(2)) a file that
/// they open, and fail if another process has a lock: a job could hide its /proc/PID/stat from the daemon with a lock, and a user who can
/// read the configuration could prevent the start of the daemon.
/// </summary>
internal static class PlainFile
{
    /// <summary>Reads a whole file as text in UTF-8.</summary>
    /// <exception cref="SystemCallException">The file cannot be read.</exception>
    public static string Read(string path) => Encoding.UTF8.GetString(ReadBytes(path));

    /// <summary>Reads a whole file.</summary>
    /// <exception cref="SystemCallException">The file cannot be read.</exception>
    public static byte[] ReadBytes(string path)
    {
        using FileDescriptor file = Libc.open(path, OpenFlags.O_RDONLY);
        Span<byte> piece = stackalloc byte[4096];
        var all = new List<byte>();

        // A short read is not the end: files in /proc return whole records.
        int length;
        while ((length = Libc.read(file, piece).OrThrow($"read(\"{path}\")")) > 0)
            all.AddRange(piece[..length]);
        return [.. all];
    }

    /// <summary>Reads a whole file as text in UTF-8; returns null if it is gone, or cannot be read.</summary>
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
    /// <exception cref="SystemCallException">The file cannot be opened.</exception>
    public static IOResult Write(string path, string value)
    {
        using FileDescriptor file = Libc.open(path, OpenFlags.O_WRONLY);
        return Libc.write(file, Encoding.ASCII.GetBytes(value));
    }
}
