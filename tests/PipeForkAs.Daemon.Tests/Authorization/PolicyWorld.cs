using Microsoft.Extensions.Logging.Abstractions;
using PipeForkAs.Daemon.Authorization;
using PipeForkAs.Daemon.Callers;
using PipeForkAs.Daemon.Fairness;
using PipeForkAs.Daemon.Patterns;
using PipeForkAs.Daemon.Tests.Fakes;
using PipeForkAs.Daemon.Users;
using PipeForkAs.LibC;
using PipeForkAs.Protocol.Worker;

namespace PipeForkAs.Daemon.Tests.Authorization;

/// <summary>The users and groups of the policy cases.</summary>
internal sealed class PolicyWorld : INames, IUserDatabase
{
    public static readonly PolicyWorld Instance = new();

    public static readonly PatternMatcher Patterns = new(IdleLoop.Instance, NullLogger.Instance);

    /// <summary>A uid resolves to its first entry.</summary>
    public IReadOnlyList<Account> Accounts { get; } =
    [
        new("root", 0, 0, [0], "/root", ""), new("daemon", 1, 1, [1], "/", ""), new("www-data", 33, 33, [33], "/var/www", ""),
            new("backup", 34, 34, [34], "/", ""),
        new("alice", 1001, 1001, [50, 500, 1001], "/home/alice", ""), new("bob", 1002, 1002, [500, 1002], "/home/bob", ""),
        new("carol", 1003, 1003, [50, 1003], "/home/carol", ""), new("dave", 1004, 1004, [1004], "/", ""),
            new("1002", 1500, 1500, [1500], "/home/x", ""),
        new("nobody", 65534, 65534, [65534], "/nonexistent", ""), new("eve", 4294967294, 1, [1], "/home/eve", ""),
        new("toor", 0, 0, [0], "/root", ""), new("alice2", 1001, 10, [10], "/home/alice2", ""),
    ];

    public IReadOnlyDictionary<string, uint> Groups { get; } =
        new Dictionary<string, uint> { ["root"] = 0, ["wheel"] = 10, ["www-data"] = 33, ["staff"] = 50, ["customers"] = 500 };

    /// <summary>Reads "NAME", "UID" or either with "=GID,GID".</summary>
    public Caller Caller(string text)
    {
        string[] parts = text.Split('=');
        Account? account = Find(UserSelector.Parse(parts[0]));
        uint uid = account?.Uid ?? uint.Parse(parts[0], System.Globalization.CultureInfo.InvariantCulture);
        uint[] groups = parts.Length > 1 ? [.. parts[1].Split(',').Select(uint.Parse)] : [.. account?.Groups ?? []];
        uint gid = parts.Length > 1 ? groups[0] : account?.Gid ?? uid;
        return new Caller(new UserId(uid), new GroupId(gid), [.. groups.Select(group => new GroupId(group))], new ProcessId(1));
    }

    public Account? Find(UserSelector user) =>
        Accounts.FirstOrDefault(account => user.Uid is { } uid ? account.Uid == uid.Value : account.Name == user.Name);

    public ValueTask<Account?> FindAsync(UserSelector selector, Bucket bucket) => ValueTask.FromResult(Find(selector));

    public PasswordEntry? User(string name) => Entry(Accounts.FirstOrDefault(account => account.Name == name));

    public PasswordEntry? User(UserId uid) => Entry(Find(UserSelector.ById(uid)));

    public GroupId? Group(string name) => Groups.TryGetValue(name, out uint gid) ? new GroupId(gid) : null;

    private static PasswordEntry? Entry(Account? account) =>
        account is null
        ? null
        : new PasswordEntry(account.Name, new UserId(account.Uid), new GroupId(account.Gid), account.Home, account.Shell);
}
