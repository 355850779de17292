using PipeForkAs.LibC;

namespace PipeForkAs.Daemon.Authorization;

/// <summary>
/// The user database, as names of rules are looked up in it. May wait for the network: never on the loop. A lookup that failed throws
/// <see cref="SystemCallException"/>; null is the database's word that there is no such entry.
/// </summary>
internal interface INames
{
    /// <summary>The user of that name, or null.</summary>
    PasswordEntry? User(string name);

    /// <summary>The user of that uid, or null.</summary>
    PasswordEntry? User(UserId uid);

    /// <summary>The group of that name, or null.</summary>
    GroupId? Group(string name);
}

/// <summary>The names of the system's user database.</summary>
internal sealed class SystemNames : INames
{
    public static readonly SystemNames Instance = new();

    public PasswordEntry? User(string name) => Libc.getpwnam(name, isStrict: true);

    public PasswordEntry? User(UserId uid) => Libc.getpwuid(uid, isStrict: true);

    public GroupId? Group(string name) => Libc.getgrnam_gid(name, isStrict: true);
}
