namespace PipeForkAs.Daemon.Forking;

/// <summary>The stages of the processes of a job host that fork workers of one kind.</summary>
internal enum HostProcessesStage
{
    /// <summary>Not all processes can fork yet. If one is lost, the start fails.</summary>
    Starting,

    /// <summary>
    /// Not all processes can fork yet, and another job host has replaced this one. If one process is lost, the start fails.
    /// </summary>
    StartingRetired,

    /// <summary>The processes fork. A lost process is started again.</summary>
    Serving,

    /// <summary>
    /// Another job host has replaced this one. The processes fork only for requests that still use it. A lost process is not started again.
    /// </summary>
    Retired,

    /// <summary>The processes are stopped, or cannot serve.</summary>
    Stopped,
}
