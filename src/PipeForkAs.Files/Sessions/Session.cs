using PipeForkAs.Files.Jobs;

namespace PipeForkAs.Files.Sessions;

/// <summary>A signed-in user in one browser.</summary>
internal sealed class Session(string key, Account account, DateTimeOffset expires, RequestSlots slots)
{
    private long lastUsed;
    private int requests;
    private string? notice;

    /// <summary>The digest of the cookie's value.</summary>
    public string Key { get; } = key;

    /// <summary>For whom jobs run.</summary>
    public Account Account { get; } = account;

    /// <summary>The time at which the session ends at the latest.</summary>
    public DateTimeOffset Expires { get; } = expires;

    /// <summary>What each form of this session contains, so that no other site can send one.</summary>
    public string Token { get; } = Secret.Create();

    /// <summary>The time of the last request.</summary>
    public DateTimeOffset LastUsed
    {
        get => new(Interlocked.Read(ref lastUsed), TimeSpan.Zero);
        set => Interlocked.Exchange(ref lastUsed, value.UtcTicks);
    }

    /// <summary>Whether a request is in progress: a long upload keeps the session.</summary>
    public bool IsBusy => Volatile.Read(ref requests) > 0;

    /// <summary>Begins a request; waits while the most requests of the user are in progress.</summary>
    /// <exception cref="FileProblem">Too many wait already.</exception>
    public async Task EnterAsync(bool isTransfer, CancellationToken cancellation)
    {
        await slots.EnterAsync(isTransfer, cancellation);
        Interlocked.Increment(ref requests);
    }

    /// <summary>Ends a request.</summary>
    public void Leave(bool isTransfer, DateTimeOffset now)
    {
        LastUsed = now;
        Interlocked.Decrement(ref requests);
        slots.Leave(isTransfer);
    }

    /// <summary>Keeps words for the next page: why a download was cut, for which its own response has no place.</summary>
    public void LeaveNotice(string words) => Volatile.Write(ref notice, words);

    /// <summary>Takes the words for the next page; null if there are none.</summary>
    public string? TakeNotice() => Interlocked.Exchange(ref notice, null);
}
