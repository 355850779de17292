using System.Runtime.InteropServices;

using PipeForkAs.LibC;

namespace PipeForkAs.Cli.Terminal;

/// <summary>SIGINT (Ctrl-C) and SIGTERM: they end the process at once, with an exit status. The connection closes with the process, and
/// that cancels the job.
/// </summary>
internal static class EndingSignals
{
    /// <summary>The base to which the number of a signal is added.</summary>
    private const int Base = 128;

    /// <summary>Those of CoreCLR, which ends if nothing refers to them.</summary>
    private static readonly List<PosixSignalRegistration> Registrations = [];

    /// <summary>Handles the signals from now on, except those that the process was started to ignore. A native program has a handler in C,
    /// which needs no thread and ends a process that is blocked in a write.
    /// </summary>
    public static void Handle()
    {
        try
        {
            pipeforkas_exit_on_signals();
        }
        catch (Exception missing) when (missing is DllNotFoundException or EntryPointNotFoundException)
        {
            foreach ((PosixSignal signal, Signal number) in new[]
                { (PosixSignal.SIGINT, Signal.SIGINT), (PosixSignal.SIGTERM, Signal.SIGTERM) })
                Registrations.Add(PosixSignalRegistration.Create(signal, _ => Libc._exit(Base + number.Number)));
        }
    }

    // LibraryImport generates code with pointers, which only LibC may contain. This function takes nothing and returns nothing.
#pragma warning disable SYSLIB1054
    [DllImport("pipeforkas_command")]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static extern void pipeforkas_exit_on_signals();
#pragma warning restore SYSLIB1054
}
