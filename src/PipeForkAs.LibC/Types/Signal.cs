using System.Globalization;

namespace PipeForkAs.LibC;

/// <summary>A signal's number as on x86-64; signal(7).</summary>
/// <param name="Number">1 to 64.</param>
public readonly record struct Signal(int Number)
{
    /// <summary>The largest number, SIGRTMAX.</summary>
    public const int Max = 64;

    /// <summary>Hangup.</summary>
    public static readonly Signal SIGHUP = new(1);

    /// <summary>Interrupt from the keyboard.</summary>
    public static readonly Signal SIGINT = new(2);

    /// <summary>Quit from the keyboard.</summary>
    public static readonly Signal SIGQUIT = new(3);

    /// <summary>Abort.</summary>
    public static readonly Signal SIGABRT = new(6);

    /// <summary>Ends a process at once; it cannot be caught.</summary>
    public static readonly Signal SIGKILL = new(9);

    /// <summary>Invalid memory reference.</summary>
    public static readonly Signal SIGSEGV = new(11);

    /// <summary>Write to a pipe without a reader.</summary>
    public static readonly Signal SIGPIPE = new(13);

    /// <summary>Timer.</summary>
    public static readonly Signal SIGALRM = new(14);

    /// <summary>Requests a process to end.</summary>
    public static readonly Signal SIGTERM = new(15);

    /// <summary>A child ended or stopped.</summary>
    public static readonly Signal SIGCHLD = new(17);

    /// <summary>Continue if stopped.</summary>
    public static readonly Signal SIGCONT = new(18);

    /// <summary>Stops a process; it cannot be caught.</summary>
    public static readonly Signal SIGSTOP = new(19);

    /// <summary>A process in the background reads its terminal; if ignored, the read fails with EIO.</summary>
    public static readonly Signal SIGTTIN = new(21);

    /// <summary>A file would become longer than RLIMIT_FSIZE allows; if ignored, the write fails with EFBIG.</summary>
    public static readonly Signal SIGXFSZ = new(25);

    private static readonly string[] Names =
    [
        "", "SIGHUP", "SIGINT", "SIGQUIT", "SIGILL", "SIGTRAP", "SIGABRT", "SIGBUS", "SIGFPE", "SIGKILL", "SIGUSR1", "SIGSEGV",
        "SIGUSR2", "SIGPIPE", "SIGALRM", "SIGTERM", "SIGSTKFLT", "SIGCHLD", "SIGCONT", "SIGSTOP", "SIGTSTP", "SIGTTIN", "SIGTTOU",
        "SIGURG", "SIGXCPU", "SIGXFSZ", "SIGVTALRM", "SIGPROF", "SIGWINCH", "SIGIO", "SIGPWR", "SIGSYS",
    ];

    /// <summary>The signal's name, or "signal N" for a signal without a name (the real-time signals).</summary>
    public override string ToString() =>
        Number > 0 && Number < Names.Length ? Names[Number] : string.Create(CultureInfo.InvariantCulture, $"signal {Number}");
}
