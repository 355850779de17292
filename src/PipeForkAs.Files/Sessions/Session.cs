using PipeForkAs.Files.Jobs;

namespace PipeForkAs.Files.Sessions;

/// <summary>A signed-in user in one browser.</summary>
#pragma warning disable CA1001 // A semaphore whose wait handle nobody uses has nothing to dispose, and requests may outlive the session.
internal sealed class Session(string key, Account account, DateTimeOffset expires, int maxRequests)
#pragma warning restore CA1001
{
    private readonly SemaphoreSlim slots = new(maxRequests, maxRequests);
    private long lastUsed;
    private int requests;

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

    /// <summary>Begins a request; waits while the most requests are in progress.</summary>
    public async Task EnterAsync(CancellationToken cancellation)
    {
        await slots.WaitAsync(cancellation);
        Interlocked.Increment(ref requests);
    }

    /// <summary>Ends a request.</summary>
    public void Leave(DateTimeOffset now)
    {
        LastUsed = now;
        Interlocked.Decrement(ref requests);
        slots.Release();
    }
}
