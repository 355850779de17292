namespace PipeForkAs.Daemon.Forking;

/// <summary>What took a worker from the pool, and learns when its processor and its place are free again.</summary>
internal interface IWorkerTaker
{
    /// <summary>The client has its answer, or the worker is released. Once.</summary>
    void WorkerAnswered();

    /// <summary>The worker is released. Once.</summary>
    void WorkerReleased();
}
