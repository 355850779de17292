using PipeForkAs.Daemon.Fairness;
using PipeForkAs.Protocol.Worker;

namespace PipeForkAs.Daemon.Users;

/// <summary>Looks users up. The system's database may be a network away: no answer comes on the loop's thread.</summary>
internal interface IUserDatabase
{
    /// <summary>The user with its groups, or null where there is none.</summary>
    /// <param name="selector">The user.</param>
    /// <param name="bucket">The bucket of the caller for whom it is looked up.</param>
    /// <exception cref="UserLookupException">There is no answer, or none in time.</exception>
    ValueTask<Account?> FindAsync(UserSelector selector, Bucket bucket);
}

/// <summary>The user database gave no answer.</summary>
internal sealed class UserLookupException(string message, Exception? inner = null) : Exception(message, inner);
