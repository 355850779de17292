using PipeForkAs.Protocol.Client;

namespace PipeForkAs.Jobs;

/// <summary>A job failed for a reason that clients may depend on: the reply's code is <c>error</c>, and the error's type is
/// <see cref="Kind"/> instead of the name of a .NET type.
/// </summary>
public sealed class JobException : Exception
{
    /// <summary>The longest kind, in characters.</summary>
    public const int MaxKindLength = 64;

    /// <summary>Creates the exception.</summary>
    /// <param name="kind">The kind: 1 to 64 characters of a-z, 0-9 and '-', for example <c>not-found</c>. Never <c>execve</c>.</param>
    /// <param name="message">A message for people.</param>
    /// <param name="errno">The errno of the failed call, errno(3); null for none.</param>
    /// <param name="cause">The exception that caused it; null for none.</param>
    /// <exception cref="ArgumentException">The kind is not valid.</exception>
    public JobException(string kind, string message, int? errno = null, Exception? cause = null)
        : base(message, cause)
    {
        ArgumentNullException.ThrowIfNull(kind);
        if (kind.Length is 0 or > MaxKindLength || kind == JobError.CannotExecute || !kind.All(IsOfKind))
        {
            throw new ArgumentException(
                $"\"{kind}\" is not a kind: 1 to {MaxKindLength} characters of a-z, 0-9 and '-', not {JobError.CannotExecute}",
                nameof(kind));
        }

        Kind = kind;
        Errno = errno;
    }

    /// <summary>The kind of failure.</summary>
    public string Kind { get; }

    /// <summary>The errno of the failed call; null for none.</summary>
    public int? Errno { get; }

    private static bool IsOfKind(char letter) => letter is (>= 'a' and <= 'z') or (>= '0' and <= '9') or '-';
}
