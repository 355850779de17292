using PipeForkAs.Daemon.Callers;
using PipeForkAs.Protocol.Worker;

namespace PipeForkAs.Daemon.Authorization;

/// <summary>Asks users whether they let somebody run a job as them.</summary>
internal interface IConsents
{
    /// <summary>Asks. Whatever fails is a no, whose reason says what.</summary>
    /// <param name="caller">Who wants to run it.</param>
    /// <param name="callerName">The name of the account of the caller's uid; null where there is none.</param>
    /// <param name="job">The job's name.</param>
    /// <param name="target">Whom it would run as.</param>
    ValueTask<ConsentAnswer> AskAsync(Caller caller, string? callerName, string job, Account target);
}
