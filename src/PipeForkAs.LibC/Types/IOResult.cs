namespace PipeForkAs.LibC;

/// <summary>
/// What a call that may not be able to go on at once gave: a count, or an errno. For the paths where EAGAIN is daily bread.
/// </summary>
public readonly record struct IOResult
{
    private readonly long value;

    internal IOResult(long value) => this.value = value;

    /// <summary>The result of a call that failed, or that was not made.</summary>
    public static IOResult Failure(Errno errno) => new(-errno.Value);

    /// <summary>Bytes moved or things returned; 0 where the call failed.</summary>
    public long Count => value > 0 ? value : 0;

    /// <summary>The error, or <see cref="Errno.None"/>.</summary>
    public Errno Errno => value < 0 ? new Errno((int)-value) : Errno.None;

    /// <summary>Whether the call failed.</summary>
    public bool Failed => value < 0;

    /// <summary>Whether nothing can be done now: EAGAIN.</summary>
    public bool WouldBlock => Errno == Errno.EAGAIN;

    /// <summary>Whether the other end is gone: EPIPE or ECONNRESET.</summary>
    public bool PeerGone => Errno == Errno.EPIPE || Errno == Errno.ECONNRESET;

    /// <summary>The count as an int.</summary>
    /// <exception cref="SystemCallException">The call failed.</exception>
    public int OrThrow(string call) => value >= 0 ? checked((int)value) : throw new SystemCallException(call, Errno);
}
