namespace PipeForkAs.Daemon.Requests;

/// <summary>The reason why the daemon ended a job.</summary>
internal enum EndReason
{
    /// <summary>The daemon did not end the job.</summary>
    None,

    /// <summary>The job timed out.</summary>
    Timeout,

    /// <summary>The caller disconnected.</summary>
    Cancelled,

    /// <summary>The caller or root sent a cancel request.</summary>
    CancelAsked,

    /// <summary>The job exceeded its output limit.</summary>
    OutputLimit,

    /// <summary>The caller sent descriptors with the input.</summary>
    ClientSentDescriptors,

    /// <summary>The job sent descriptors with its output.</summary>
    JobSentDescriptors,

    /// <summary>The job, or another job of the same user, blocked the daemon.</summary>
    HeldUp,

    /// <summary>The daemon is stopping.</summary>
    ShuttingDown,
}
