using PipeForkAs.LibC;

namespace PipeForkAs.Daemon.Users;

/// <summary>A user whom the caller's ticket proves to have signed in at this caller.</summary>
/// <param name="Name">The account's name.</param>
/// <param name="Uid">The account's uid.</param>
internal sealed record SignedInUser(string Name, UserId Uid)
{
    /// <summary>Whether a request that names its user so can mean this user. Only the account decides.</summary>
    public bool MayBe(UserSelector user) =>
        user.Uid is { } uid ? uid == Uid : string.Equals(user.Name, Name, StringComparison.Ordinal);
}
