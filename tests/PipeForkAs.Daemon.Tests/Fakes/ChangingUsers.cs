using System.Collections.Concurrent;
using PipeForkAs.Daemon.Authorization;
using PipeForkAs.Daemon.Fairness;
using PipeForkAs.Daemon.Users;
using PipeForkAs.LibC;
using PipeForkAs.Protocol.Worker;

namespace PipeForkAs.Daemon.Tests.Fakes;

/// <summary>A user database that a test changes, for rules and for requests. Safe on any thread.</summary>
internal sealed class ChangingUsers : INames, IUserDatabase, IDisposable
{
    private readonly ManualResetEventSlim released = new();

    public ConcurrentDictionary<string, Account> Accounts { get; } = new();

    public ConcurrentDictionary<string, uint> Groups { get; } = new();

    /// <summary>Names without an answer for rules before <see cref="Release"/>.</summary>
    public ConcurrentDictionary<string, bool> Hanging { get; } = new();

    /// <summary>The names that were looked up for rules.</summary>
    public ConcurrentQueue<string> Asked { get; } = new();

    public void Add(string name, uint uid, params uint[] groups) =>
        Accounts[name] = new Account(name, uid, uid, [.. groups, uid], "/", "/bin/sh");

    public void Remove(string name) => Assert.True(Accounts.TryRemove(name, out _));

    public void Release() => released.Set();

    public int CountOf(string name) => Asked.Count(asked => asked == name);

    public PasswordEntry? User(string name)
    {
        Wait(name);
        return Accounts.TryGetValue(name, out Account? account) ? Entry(account) : null;
    }

    public PasswordEntry? User(UserId uid) => Find(uid.Value) is { } account ? Entry(account) : null;

    public GroupId? Group(string name)
    {
        Wait(name);
        return Groups.TryGetValue(name, out uint gid) ? new GroupId(gid) : null;
    }

    public ValueTask<Account?> FindAsync(UserSelector selector, Bucket bucket) => ValueTask.FromResult(
        selector.Uid is { } uid ? Find(uid.Value) : Accounts.GetValueOrDefault(selector.Name!));

    public void Dispose()
    {
        Release();
        released.Dispose();
    }

    private Account? Find(uint uid) => Accounts.Values.FirstOrDefault(account => account.Uid == uid);

    private void Wait(string name)
    {
        Asked.Enqueue(name);
        if (Hanging.ContainsKey(name))
            Assert.True(released.Wait(TimeSpan.FromSeconds(60)), "a test did not release its lookups");
    }

    private static PasswordEntry Entry(Account account) =>
        new(account.Name, new UserId(account.Uid), new GroupId(account.Gid), account.Home, account.Shell);
}
