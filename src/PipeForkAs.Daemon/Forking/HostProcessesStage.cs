namespace PipeForkAs.Daemon.Forking;

/// <summary>Where the processes of a job host that fork workers of one kind are in their common life.</summary>
internal enum HostProcessesStage
{
    /// <summary>Not all of them could fork yet. One that is lost ends the start.</summary>
    Starting,

    /// <summary>The same; their job host was replaced meanwhile.</summary>
    StartingRetired,

    /// <summary>They fork. One that is lost is started again.</summary>
    Serving,

    /// <summary>Their job host was replaced: they fork for requests that hold it. One that is lost is not started again.</summary>
    Retired,

    /// <summary>They are ended, or cannot serve.</summary>
    Stopped,
}
