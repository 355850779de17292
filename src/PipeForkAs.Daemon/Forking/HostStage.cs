namespace PipeForkAs.Daemon.Forking;

/// <summary>The stages of a job host's process. <see cref="HostMessageOrder"/> defines which messages each stage allows.</summary>
internal enum HostStage
{
    /// <summary>The process runs, and has not sent its version.</summary>
    Started,

    /// <summary>The process has the daemon's version. It sends its jobs and tests itself.</summary>
    Introducing,

    /// <summary>The process can fork.</summary>
    Serving,

    /// <summary>The daemon closed the control socket, and waits for the process to end.</summary>
    Stopping,

    /// <summary>The process is of no further use: it ended, or broke the protocol.</summary>
    Lost,
}
