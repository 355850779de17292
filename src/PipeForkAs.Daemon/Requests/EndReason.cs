namespace PipeForkAs.Daemon.Requests;

/// <summary>Why the daemon ended a job.</summary>
internal enum EndReason
{
    /// <summary>It did not.</summary>
    None,

    /// <summary>The time was up.</summary>
    Timeout,

    /// <summary>The client went away.</summary>
    Cancelled,

    /// <summary>Its caller, or root, asked for that.</summary>
    CancelAsked,

    /// <summary>It wrote more than it may.</summary>
    OutputLimit,

    /// <summary>Descriptors came with its input.</summary>
    ClientSentDescriptors,

    /// <summary>Descriptors came with its output.</summary>
    JobSentDescriptors,

    /// <summary>It, or another one of its user's, held up the daemon.</summary>
    HeldUp,

    /// <summary>The daemon stops.</summary>
    ShuttingDown,
}
