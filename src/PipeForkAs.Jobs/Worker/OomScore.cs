using System.Globalization;
using System.Text;
using PipeForkAs.LibC;

namespace PipeForkAs.Jobs.Worker;

/// <summary>The value that the kernel adds to a process's badness when memory runs out, -1000 to 1000; proc_pid_oom_score_adj(5). A child
/// inherits it.
/// </summary>
internal static class OomScore
{
    private const string Path = "/proc/self/oom_score_adj";

    /// <summary>Opens the file with the value of this process; its children can use the descriptor too.</summary>
    /// <exception cref="SystemCallException">/proc is not mounted.</exception>
    public static FileDescriptor Open() => Libc.open(Path, OpenFlags.O_RDONLY);

    /// <summary>Reads the current value.</summary>
    /// <param name="file">What <see cref="Open"/> opened.</param>
    /// <exception cref="SystemCallException">It cannot be read.</exception>
    public static int Read(FileDescriptor file)
    {
        Span<byte> text = stackalloc byte[16];
        int length = Libc.pread(file, text, 0).OrThrow("pread(oom_score_adj)");
        return int.Parse(text[..length].TrimEnd((byte)'\n'), CultureInfo.InvariantCulture);
    }

    /// <summary>Sets the value of this process.</summary>
    /// <exception cref="SystemCallException">
    /// The value cannot be written, or is lower than a process without CAP_SYS_RESOURCE may set.
    /// </exception>
    public static void Write(int value)
    {
        using FileDescriptor file = Libc.open(Path, OpenFlags.O_WRONLY);
        Libc.write(file, Encoding.ASCII.GetBytes(value.ToString(CultureInfo.InvariantCulture))).OrThrow("write(oom_score_adj)");
    }
}
