using Tmds.Linux;

namespace PipeForkAs.LibC;

public static unsafe partial class Libc
{
    /// <summary>isatty(3): whether the descriptor is a terminal.</summary>
    public static bool isatty(FileDescriptor descriptor) => C.isatty(descriptor.Number) == 1;

    /// <summary>tcgetpgrp(3): the process group in the foreground of a terminal. Null if the descriptor is not the controlling terminal of
    /// the calling process, or the terminal is gone; 0 if no group is in the foreground.
    /// </summary>
    public static ProcessId? tcgetpgrp(FileDescriptor terminal)
    {
        int group = (int)C.tcgetpgrp(terminal.Number);
        return group < 0 ? null : new ProcessId(group);
    }

    /// <summary>getpgrp(2): the process group of the calling process.</summary>
    public static ProcessId getpgrp() => new(Check.Result(C.getpgid(0), $"getpgid(0)"));
}
