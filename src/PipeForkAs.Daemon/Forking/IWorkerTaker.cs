namespace PipeForkAs.Daemon.Forking;

/// <summary>Takes workers from the pool, and learns when the processor and the place of a worker are free again.</summary>
internal interface IWorkerTaker
{
    /// <summary>The caller has its reply, or the worker is released. Called once.</summary>
    void WorkerAnswered();

    /// <summary>The worker is released. Called once.</summary>
    void WorkerReleased();
}
