using PipeForkAs.LibC;

namespace PipeForkAs.Daemon.Upgrading;

/// <summary>The services that a daemon provides for the new daemon that takes over from it. Used on the loop.</summary>
internal interface ISuccessorOwner
{
    /// <summary>Whether the daemon is stopping. If so, no other daemon takes over.</summary>
    bool IsStopping { get; }

    /// <summary>Stops accepting connections, and returns the id of the new daemon's first job.</summary>
    long HandOver();

    /// <summary>Refuses callers that have not sent a request yet, because the service stops.</summary>
    void StopWasAsked();

    /// <summary>Waits for a turn of the loop's time to work on a part of an answer.</summary>
    ValueTask TurnAsync();

    /// <summary>Answers a question about the jobs of this daemon and of a former daemon.</summary>
    Task<JobsAnswer> AnswerAsync(JobsQuestion question);

    /// <summary>Notes that the new daemon has ended. The service manager also detects this.</summary>
    void SuccessorDied(ProcessId pid);
}
