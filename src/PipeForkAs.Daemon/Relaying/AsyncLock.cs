namespace PipeForkAs.Daemon.Relaying;

/// <summary>A lock that is awaited, first come first served. All on the loop's thread.</summary>
internal sealed class AsyncLock
{
    private readonly Queue<TaskCompletionSource> waiting = new();

    /// <summary>Whether it is held.</summary>
    public bool IsHeld { get; private set; }

    /// <summary>Waits for the lock; disposing what comes back releases it.</summary>
    public async ValueTask<Holder> AcquireAsync()
    {
        if (IsHeld)
        {
            var mine = new TaskCompletionSource();
            waiting.Enqueue(mine);
            await mine.Task;
        }

        IsHeld = true;
        return new Holder(this);
    }

    private void Release()
    {
        if (waiting.TryDequeue(out TaskCompletionSource? next))
            next.SetResult();
        else
            IsHeld = false;
    }

    /// <summary>Holds the lock.</summary>
    internal readonly struct Holder(AsyncLock owner) : IDisposable
    {
        public void Dispose() => owner.Release();
    }
}
