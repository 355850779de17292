using PipeForkAs.Daemon.Fairness;
using PipeForkAs.Protocol.Worker;

namespace PipeForkAs.Daemon.Users;

/// <summary>Looks users up. The database of the system can be on the network: no answer arrives on the loop's thread.</summary>
internal interface IUserDatabase
{
    /// <summary>Returns the user with its groups, or null if there is none.</summary>
    /// <param name="selector">The user.</param>
    /// <param name="bucket">The bucket of the caller that needs the answer.</param>
    /// <exception cref="UserLookupException">There is no answer, or none in time.</exception>
    ValueTask<Account?> FindAsync(UserSelector selector, Bucket bucket);
}

/// <summary>The user database gave no answer.</summary>
internal sealed class UserLookupException(string message, Exception? inner = null) : Exception(message, inner);
