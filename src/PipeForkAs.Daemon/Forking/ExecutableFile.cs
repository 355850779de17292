using System.Globalization;
using PipeForkAs.LibC;

namespace PipeForkAs.Daemon.Forking;

/// <summary>Tells an executable's file from another one that has come to its place.</summary>
internal readonly record struct ExecutableFile(ulong Device, ulong Inode, long Size, long ModifiedSeconds, uint ModifiedNanoseconds)
{
    /// <summary>The file at a path, or null where there is none.</summary>
    /// <exception cref="SystemCallException">The path cannot be looked at.</exception>
    public static ExecutableFile? At(string path) => Libc.stat(path) is { } file
        ? new ExecutableFile(file.Device, file.Inode, file.Size, file.ModifiedSeconds, file.ModifiedNanoseconds)
        : null;

    /// <summary>The file that a process of the daemon's executes, whatever is at its path by now. Null where nobody can say.</summary>
    public static ExecutableFile? Of(ProcessId process)
    {
        try
        {
            return At(string.Create(CultureInfo.InvariantCulture, $"/proc/{process.Value}/exe"));
        }
        catch (SystemCallException)
        {
            return null; // It has ended, which is noticed elsewhere.
        }
    }
}
