namespace PipeForkAs.Daemon.Forking;

/// <summary>Where the pool of a job host is in its life.</summary>
internal enum JobHostPoolStage
{
    /// <summary>It serves requests.</summary>
    Serving,

    /// <summary>It serves the requests that hold it, and no new ones.</summary>
    Retired,

    /// <summary>It is ended, or ends, before it was retired.</summary>
    Stopped,

    /// <summary>It is ended, or ends, since nothing uses it any more.</summary>
    RetiredAndStopped,
}
