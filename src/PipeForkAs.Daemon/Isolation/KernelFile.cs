using System.Text;
using PipeForkAs.LibC;

namespace PipeForkAs.Daemon.Isolation;

/// <summary>
/// Files of the kernel's own file systems, by plain calls. .NET's files take a lock (flock(2)) on what they open, and fail where
/// another holds one: a job could hide its /proc/PID/stat, or keep its control group's files, from the daemon by locking them.
/// </summary>
internal static class KernelFile
{
    /// <summary>Reads all of it.</summary>
    /// <exception cref="SystemCallException">It cannot be read.</exception>
    public static string Read(string path)
    {
        using FileDescriptor file = Libc.open(path, OpenFlags.O_RDONLY);
        Span<byte> first = stackalloc byte[4096];
        int length = Libc.read(file, first).OrThrow($"read(\"{path}\")");
        if (length < first.Length)
            return Encoding.UTF8.GetString(first[..length]);

        var all = new List<byte>(first.ToArray());
        while ((length = Libc.read(file, first).OrThrow($"read(\"{path}\")")) > 0)
            all.AddRange(first[..length]);
        return Encoding.UTF8.GetString([.. all]);
    }

    /// <summary>Reads all of it; null where it is gone, or cannot be read.</summary>
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
