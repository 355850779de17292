namespace PipeForkAs.Client;

/// <summary>One of the three streams of a job, seen from the client.</summary>
public enum JobStream
{
    /// <summary>What the job reads.</summary>
    Input,

    /// <summary>What the job writes to standard output, or the whole reply when the client passes frames on.</summary>
    Output,

    /// <summary>What the job writes to standard error.</summary>
    Error,
}

internal static class JobStreams
{
    public static string Name(this JobStream stream) => stream switch
    {
        JobStream.Input => "standard input",
        JobStream.Output => "standard output",
        _ => "standard error",
    };
}
