namespace PipeForkAs.TestJobs;

/// <summary>Jobs that show whether workers share state.</summary>
internal static class Siblings
{
    private static int counter;

    public static string Randoms() => $"""
        Random.Shared={Random.Shared.NextInt64()}
        new Random={new Random().NextInt64()}
        Guid={Guid.NewGuid()}
        GetHashCode={"pipeforkas".GetHashCode(StringComparison.Ordinal)}
        HashCode={HashCode.Combine(1, 2)}
        ProcessId={Environment.ProcessId}

        """;

    public static string StaticCounter() => $"{++counter}\n";
}
