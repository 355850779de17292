using PipeForkAs.LibC;

namespace PipeForkAs.Daemon.Upgrading;

/// <summary>What a daemon does for the one that takes over from it. On the loop.</summary>
internal interface ISuccessorOwner
{
    /// <summary>Whether the daemon is stopping: then none takes over.</summary>
    bool IsStopping { get; }

    /// <summary>Accepts no more, and returns the number of the new daemon's first job.</summary>
    long HandOver();

    /// <summary>The service stops: clients that have not sent a request yet are refused.</summary>
    void StopWasAsked();

    /// <summary>Waits for the loop's time for a piece of work on an answer.</summary>
    ValueTask TurnAsync();

    /// <summary>Answers for the jobs that run here, and in a former daemon.</summary>
    Task<JobsAnswer> AnswerAsync(JobsQuestion question);

    /// <summary>The new daemon has ended, which the service manager sees too.</summary>
    void SuccessorDied(ProcessId pid);
}
