namespace PipeForkAs.Daemon.Forking;

/// <summary>Where a worker is in its life. <see cref="WorkerMessageOrder"/> says which messages each stage allows.</summary>
internal enum WorkerStage
{
    /// <summary>It waits for its order.</summary>
    Waiting,

    /// <summary>It has its order: it becomes the user.</summary>
    Ordered,

    /// <summary>It is the user, and the function runs: what it sends is what the job says of itself.</summary>
    Running,

    /// <summary>It said its last message, or something that it must not say: nothing more is read.</summary>
    Reported,

    /// <summary>The daemon closed its descriptors.</summary>
    Released,
}
