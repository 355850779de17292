namespace PipeForkAs.LibC;

/// <summary>How a process ended: <see cref="Exited"/> or <see cref="Signaled"/>; wait(2).</summary>
public abstract record WaitStatus
{
    private protected WaitStatus()
    {
    }

    /// <summary>The process called exit.</summary>
    /// <param name="Code">The exit code, 0 to 255.</param>
    public sealed record Exited(int Code) : WaitStatus;

    /// <summary>A signal killed the process.</summary>
    /// <param name="Signal">The signal.</param>
    public sealed record Signaled(Signal Signal) : WaitStatus;
}

/// <summary>The resources that a process used; getrusage(2).</summary>
/// <param name="UserTime">Processor time in user mode.</param>
/// <param name="SystemTime">Processor time in the kernel.</param>
/// <param name="MaxResidentBytes">The largest resident set in bytes.</param>
public readonly record struct ResourceUsage(TimeSpan UserTime, TimeSpan SystemTime, long MaxResidentBytes);
