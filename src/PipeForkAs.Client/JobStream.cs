namespace PipeForkAs.Client;

/// <summary>One of the three streams of a job, seen from the client.</summary>
public enum JobStream
{
    /// <summary>What the job reads.</summary>
    Input,

    /// <summary>What the job writes to standard output, or the whole reply where it is passed on as frames.</summary>
    Output,

    /// <summary>What the job writes to standard error.</summary>
    Error,
}
