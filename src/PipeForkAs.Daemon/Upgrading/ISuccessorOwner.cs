namespace PipeForkAs.Daemon.Upgrading;

/// <summary>What a daemon does for the one that took over from it. On the loop.</summary>
internal interface ISuccessorOwner
{
    /// <summary>The service stops: who has not sent a request yet is refused.</summary>
    void StopWasAsked();

    /// <summary>Answers for the jobs that run here, and in a former daemon.</summary>
    Task<JobsAnswer> AnswerAsync(JobsQuestion question);

    /// <summary>The new daemon has ended; this process ends after that.</summary>
    void SuccessorDied();
}
