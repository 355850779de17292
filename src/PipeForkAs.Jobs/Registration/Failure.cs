namespace PipeForkAs.Jobs.Registration;

/// <summary>What a function threw.</summary>
internal static class Failure
{
    /// <summary>The exception itself, where a task wrapped it on the way.</summary>
    public static Exception Cause(Exception thrown) =>
        thrown is AggregateException { InnerExceptions: [var only] } ? Cause(only) : thrown;

    /// <summary>The kind that the job gives it, or the name of its type, with the namespace.</summary>
    public static string TypeName(Exception cause) =>
        cause is JobException { Kind: var kind } ? kind : cause.GetType().FullName ?? cause.GetType().Name;

    /// <summary>The errno that the job gives it; 0 for none.</summary>
    public static int ErrnoOf(Exception cause) => (cause as JobException)?.Errno ?? 0;
}
