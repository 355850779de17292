using PipeForkAs.Protocol.Worker;

namespace PipeForkAs.Daemon.Users;

/// <summary>Looks users up. The system's database may be a network away: no answer comes on the loop's thread.</summary>
internal interface IUserDatabase
{
    /// <summary>The user with its groups, or null where there is none.</summary>
    /// <exception cref="UserLookupException">There is no answer, or none in time.</exception>
    ValueTask<Account?> FindAsync(UserSelector selector);
}

/// <summary>The user database gave no answer.</summary>
internal sealed class UserLookupException(string message, Exception? inner = null) : Exception(message, inner);
