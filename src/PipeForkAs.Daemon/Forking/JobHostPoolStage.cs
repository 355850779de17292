namespace PipeForkAs.Daemon.Forking;

/// <summary>The stages of the pool of a job host.</summary>
internal enum JobHostPoolStage
{
    /// <summary>The job host serves requests.</summary>
    Serving,

    /// <summary>The job host serves only the requests that already use it.</summary>
    Retired,

    /// <summary>The job host is stopped or stopping, and was not retired before.</summary>
    Stopped,

    /// <summary>The job host is stopped or stopping, because it is retired and nothing uses it.</summary>
    RetiredAndStopped,
}
