namespace PipeForkAs.Daemon.EventLoop;

/// <summary>Lets only so many in at once, in the order in which they came; for use on the loop.</summary>
/// <param name="places">How many may be in.</param>
internal sealed class Turnstile(int places)
{
    private readonly LinkedList<TaskCompletionSource> waiting = new();
    private int taken;

    /// <summary>Waits for a place. True where it was got, which is given back by <see cref="Leave"/>; false where it was given up.</summary>
    /// <param name="givenUp">Completes when nobody needs the place any more.</param>
    public async Task<bool> EnterAsync(Task givenUp)
    {
        if (taken < places)
        {
            taken++;
            return true;
        }

        LinkedListNode<TaskCompletionSource> own = waiting.AddLast(new TaskCompletionSource());
        await Task.WhenAny(own.Value.Task, givenUp);
        if (own.Value.Task.IsCompleted)
            return true;
        waiting.Remove(own);
        return false;
    }

    /// <summary>Gives a place back: to who has waited for it longest.</summary>
    public void Leave()
    {
        if (waiting.First is not { } next)
        {
            taken--;
            return;
        }

        waiting.RemoveFirst();
        next.Value.SetResult();
    }
}
