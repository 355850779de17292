namespace PipeForkAs.LibC;

/// <summary>A system call failed.</summary>
public sealed class SystemCallException : Exception
{
    internal SystemCallException(string call, Errno errno)
        : base($"{call}: {errno.ToString()}")
    {
        Call = call;
        Errno = errno;
    }

    /// <summary>The call with its arguments, for example <c>open("/etc/shadow", 0x80000)</c>.</summary>
    public string Call { get; }

    /// <summary>The errno of the call.</summary>
    public Errno Errno { get; }
}
