using PipeForkAs.LibC;

namespace PipeForkAs.Cli.Terminal;

/// <summary>A job's input on a descriptor. From a terminal it reads only in the foreground; a process in the background that reads would
/// be stopped (SIGTTIN), although the job may not want any input.
/// </summary>
internal sealed class JobInput
{
    /// <summary>How often to look whether the process is in the foreground now, in milliseconds: "fg" sends no signal to a job that runs.
    /// </summary>
    private const int LookAgain = 200;

    private readonly Descriptor descriptor;
    private bool isInBackground;

    /// <exception cref="IOException">The descriptor is open for writing alone; <see cref="Exception.HResult"/> is errno.</exception>
    public JobInput(FileDescriptor input)
    {
        descriptor = new Descriptor(input, OpenFlags.O_RDONLY);
        if (descriptor.Blocks)
            descriptor.OpenAgain();
        if (!descriptor.IsTerminal)
            return;

        // The process may leave the foreground between the look and the read, which then fails (EIO) instead of stopping the process.
        Libc.signal_ignore(Signal.SIGTTIN);
        LookForForeground();
    }

    /// <summary>The descriptor to poll for reading; null while the process must not read it.</summary>
    public FileDescriptor? Awaited => isInBackground ? null : descriptor.Waiting;

    /// <summary>How long to wait at most, in milliseconds, until <see cref="LookForForeground"/> is due; -1 for ever.</summary>
    public int Patience => isInBackground ? LookAgain : -1;

    /// <summary>Looks whether the process may read now. On a terminal that is not its controlling terminal, job control does not apply.
    /// </summary>
    public void LookForForeground() => isInBackground = descriptor.IsTerminal
        && Libc.tcgetpgrp(descriptor.Waiting) is { } foreground && foreground != Libc.getpgrp();

    /// <summary>Reads what is there, after <see cref="Awaited"/> was ready. Returns 0 at the end, null if there is nothing to read now.
    /// </summary>
    /// <exception cref="IOException">The input cannot be read; <see cref="Exception.HResult"/> is errno.</exception>
    public int? Read(Span<byte> buffer)
    {
        LookForForeground();
        if (isInBackground)
            return null;

        IOResult result = descriptor.IsSocket
            ? Libc.recv_nowait(descriptor.Waiting, buffer)
            : Libc.read(descriptor.Waiting, buffer);
        if (result.WouldBlock)
            return null;
        if (result.Errno == Errno.EIO)
        {
            LookForForeground();
            if (isInBackground)
                return null;
        }

        return Descriptor.Count(result);
    }
}
