namespace PipeForkAs.Daemon.Forking;

/// <summary>Where a job host's process is in its life. <see cref="HostMessageOrder"/> says which messages each stage allows.</summary>
internal enum HostStage
{
    /// <summary>It runs, and has not said its version.</summary>
    Started,

    /// <summary>Its version is the daemon's; it tells its jobs and tests itself.</summary>
    Introducing,

    /// <summary>It can fork.</summary>
    Serving,

    /// <summary>The daemon closed its control socket, and waits for its end.</summary>
    Stopping,

    /// <summary>It is of no use any more: it ended, or did what it must not do.</summary>
    Lost,
}
