namespace PipeForkAs.Daemon.Forking;

/// <summary>What becomes of a job host's process is told to this.</summary>
internal interface IHostProcessOwner
{
    /// <summary>It told its jobs, passed its self-test, and can fork.</summary>
    void BecameReady(HostProcess process);

    /// <summary>It forked a worker that was asked for, and the worker is in its place.</summary>
    void Forked(ForkedWorker worker);

    /// <summary>A worker that was asked for is not there.</summary>
    void ForkFailed(string reason);

    /// <summary>A worker ended; <see cref="ForkedWorker.Ended"/> tells how.</summary>
    void WorkerEnded(ForkedWorker worker);

    /// <summary>It serves no more, and its workers are dead. Once, and nothing is told behind it.</summary>
    void Lost(HostProcess process, string reason);
}
