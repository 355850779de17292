using System.Collections.Concurrent;
using PipeForkAs.Daemon.Users;
using PipeForkAs.Protocol.Worker;

namespace PipeForkAs.Daemon.Tests.Users;

/// <summary>A user database that a test can make hang, fail and change.</summary>
internal sealed class Resolver : IDisposable
{
    private readonly ManualResetEventSlim released = new();

    public ConcurrentQueue<string> Asked { get; } = new();

    /// <summary>Names that hang until <see cref="Release"/>.</summary>
    public ConcurrentDictionary<string, bool> Hanging { get; } = new();

    public Func<string, Account?> Answer { get; set; } = name => Make(name, 1000);

    public static Account Make(string name, uint uid) => new(name, uid, uid, [uid], $"/home/{name}", "/bin/sh");

    public Account? Ask(UserSelector selector)
    {
        string name = selector.ToString();
        Asked.Enqueue(name);
        Account? before = Hanging.ContainsKey(name) ? Answer(name) : null;
        if (before is null)
            return Answer(name);
        Assert.True(released.Wait(TimeSpan.FromSeconds(30)), "a test did not release its look-ups");
        return before;
    }

    public void Release() => released.Set();

    public async Task AskedAsync(int count)
    {
        for (int i = 0; i < 3000 && Asked.Count < count; i++)
            await Task.Delay(10);
        Assert.Equal(count, Asked.Count);
    }

    public void Dispose() => released.Dispose();
}
