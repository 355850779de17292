namespace PipeForkAs.LibC;

/// <summary>The result of a call that may be unable to continue at once: a count, or an errno. For code paths on which EAGAIN is common.
/// </summary>
public readonly record struct IOResult
{
    private readonly long value;

    internal IOResult(long value) => this.value = value;

    /// <summary>Creates the result of a call that failed, or that was not made.</summary>
    public static IOResult Failure(Errno errno) => new(-errno.Value);

    /// <summary>The number of bytes moved or items returned; 0 if the call failed.</summary>
    public long Count => value > 0 ? value : 0;

    /// <summary>The error, or <see cref="Errno.None"/>.</summary>
    public Errno Errno => value < 0 ? new Errno((int)-value) : Errno.None;

    /// <summary>Whether the call failed.</summary>
    public bool Failed => value < 0;

    /// <summary>Whether the call cannot continue now: EAGAIN.</summary>
    public bool WouldBlock => Errno == Errno.EAGAIN;

    /// <summary>Whether the other end is gone: EPIPE or ECONNRESET.</summary>
    public bool PeerGone => Errno == Errno.EPIPE || Errno == Errno.ECONNRESET;

    /// <summary>Returns the count as an int.</summary>
    /// <exception cref="SystemCallException">The call failed.</exception>
    public int OrThrow(string call) => value >= 0 ? checked((int)value) : throw new SystemCallException(call, Errno);
}
