namespace PipeForkAs.Jobs.Registration;

/// <summary>An exception that a job's function threw.</summary>
internal static class Failure
{
    /// <summary>Returns the original exception if a task has wrapped it.</summary>
    public static Exception Cause(Exception thrown) =>
        thrown is AggregateException { InnerExceptions: [var only] } ? Cause(only) : thrown;

    /// <summary>The kind that the job set, or the name of the exception's type with its namespace.</summary>
    public static string TypeName(Exception cause) =>
        cause is JobException { Kind: var kind } ? kind : cause.GetType().FullName ?? cause.GetType().Name;

    /// <summary>The errno that the job set; 0 for none.</summary>
    public static int ErrnoOf(Exception cause) => (cause as JobException)?.Errno ?? 0;
}
