namespace PipeForkAs.Daemon.Relaying;

/// <summary>An asynchronous lock that serves waiters in order. Used only on the loop's thread.</summary>
internal sealed class AsyncLock
{
    private readonly Queue<TaskCompletionSource> waiting = new();

    public bool IsHeld { get; private set; }

    /// <summary>Waits for the lock. Disposing the result releases it.</summary>
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

    /// <summary>Represents ownership of the lock.</summary>
    internal readonly struct Holder(AsyncLock owner) : IDisposable
    {
        public void Dispose() => owner.Release();
    }
}
