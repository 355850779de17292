using PipeForkAs.LibC;

namespace PipeForkAs.Daemon.Authorization;

/// <summary>
/// The user database for names in rules. The methods can wait for the network: never call them on the loop. A failed lookup throws
/// <see cref="SystemCallException"/>; null means that the database has no such entry.
/// </summary>
internal interface INames
{
    PasswordEntry? User(string name);

    PasswordEntry? User(UserId uid);

    GroupId? Group(string name);
}

/// <summary>The names in the user database of the system.</summary>
internal sealed class SystemNames : INames
{
    public static readonly SystemNames Instance = new();

    public PasswordEntry? User(string name) => Libc.getpwnam(name, isStrict: true);

    public PasswordEntry? User(UserId uid) => Libc.getpwuid(uid, isStrict: true);

    public GroupId? Group(string name) => Libc.getgrnam_gid(name, isStrict: true);
}
