using System.Globalization;
using PipeForkAs.LibC;

namespace PipeForkAs.Daemon.Forking;

/// <summary>Identifies the file of an executable, so that a replaced file can be detected.</summary>
internal readonly record struct ExecutableFile(ulong Device, ulong Inode, long Size, long ModifiedSeconds, uint ModifiedNanoseconds)
{
    /// <summary>Returns the file at a path, or null if there is none.</summary>
    /// <exception cref="SystemCallException">The daemon cannot read the status of the path.</exception>
    public static ExecutableFile? At(string path) => Libc.stat(path) is { } file
        ? new ExecutableFile(file.Device, file.Inode, file.Size, file.ModifiedSeconds, file.ModifiedNanoseconds)
        : null;

    /// <summary>
    /// Returns the file that a process of the daemon executes, even if the path has another file now. Null if this is unknown.
    /// </summary>
    public static ExecutableFile? Of(ProcessId process)
    {
        try
        {
            return At(string.Create(CultureInfo.InvariantCulture, $"/proc/{process.Value}/exe"));
        }
        catch (SystemCallException)
        {
            return null; // The process ended; other code notices that.
        }
    }
}
