namespace PipeForkAs.Jobs.Registration;

/// <summary>What a function threw.</summary>
internal static class Failure
{
    /// <summary>The exception itself, where a task wrapped it on the way.</summary>
    public static Exception Cause(Exception thrown) =>
        thrown is AggregateException { InnerExceptions: [var only] } ? Cause(only) : thrown;

    /// <summary>The name of its type, with the namespace.</summary>
    public static string TypeName(Exception cause) => cause.GetType().FullName ?? cause.GetType().Name;
}
