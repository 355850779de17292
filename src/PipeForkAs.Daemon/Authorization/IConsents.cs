using PipeForkAs.Daemon.Callers;
using PipeForkAs.Protocol.Worker;

namespace PipeForkAs.Daemon.Authorization;

/// <summary>Asks users for consent to run a job as them.</summary>
internal interface IConsents
{
    /// <summary>Asks a user. Every failure is a no, with the failure as its reason.</summary>
    /// <param name="caller">The caller that wants to run the job.</param>
    /// <param name="callerName">The account name of the caller's uid; null if there is none.</param>
    /// <param name="job">The name of the job.</param>
    /// <param name="target">The target user.</param>
    ValueTask<ConsentAnswer> AskAsync(Caller caller, string? callerName, string job, Account target);
}
