namespace PipeForkAs.Client;

/// <summary>The three streams of a job, from the client's side.</summary>
public enum JobStream
{
    /// <summary>The job's standard input.</summary>
    Input,

    /// <summary>The job's standard output, or the whole reply if the client passes frames on.</summary>
    Output,

    /// <summary>The job's standard error.</summary>
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
