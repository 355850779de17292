namespace PipeForkAs.Daemon.Relaying;

/// <summary>Whose turn it is to write to the socket: a frame goes out whole before another begins. All on the loop's thread, first come first served.</summary>
internal sealed class AsyncLock
{
    private readonly Queue<TaskCompletionSource> waiting = new();
    private bool taken;

    /// <summary>Whether somebody has it: something that was begun is not sent to its end yet.</summary>
    public bool IsTaken => taken;

    /// <summary>Waits for the turn; disposing what comes back ends it.</summary>
    public async ValueTask<Turn> TakeAsync()
    {
        if (taken)
        {
            var mine = new TaskCompletionSource();
            waiting.Enqueue(mine);
            await mine.Task;
        }

        taken = true;
        return new Turn(this);
    }

    private void End()
    {
        if (waiting.TryDequeue(out TaskCompletionSource? next))
            next.SetResult();
        else
            taken = false;
    }

    /// <summary>A turn.</summary>
    internal readonly struct Turn(AsyncLock owner) : IDisposable
    {
        public void Dispose() => owner.End();
    }
}
