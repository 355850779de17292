namespace PipeForkAs.Daemon.Forking;

/// <summary>Receives the events of a job host's process.</summary>
internal interface IHostProcessOwner
{
    /// <summary>The process sent its jobs, passed its self-test, and can fork.</summary>
    void BecameReady(HostProcess process);

    /// <summary>The process forked a requested worker, and the worker is placed.</summary>
    void Forked(ForkedWorker worker);

    /// <summary>A requested worker could not be forked or placed.</summary>
    void ForkFailed(string reason);

    /// <summary>A worker ended; <see cref="ForkedWorker.Ended"/> says how.</summary>
    void WorkerEnded(ForkedWorker worker);

    /// <summary>The process no longer serves, and its workers are dead. Called once, as the last event.</summary>
    void Lost(HostProcess process, string reason);
}
