namespace PipeForkAs.Daemon.Forking;

/// <summary>The stages of a worker. <see cref="WorkerMessageOrder"/> defines which messages each stage allows.</summary>
internal enum WorkerStage
{
    /// <summary>The worker is ready for its order.</summary>
    Ready,

    /// <summary>The worker has its order, and becomes the user.</summary>
    Ordered,

    /// <summary>The worker is the user, and the function runs. Its messages are the job's own report.</summary>
    Running,

    /// <summary>The worker sent its last message or a message that is not allowed. The daemon reads nothing more.</summary>
    Reported,

    /// <summary>The daemon closed the worker's descriptors.</summary>
    Released,
}
