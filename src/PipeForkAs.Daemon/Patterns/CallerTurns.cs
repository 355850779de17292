using PipeForkAs.LibC;

namespace PipeForkAs.Daemon.Patterns;

/// <summary>
/// Lets only so many in at once, one of each caller in turn: how many of its own requests wait delays nobody else's. For use on the loop.
/// </summary>
/// <param name="places">How many may be in.</param>
internal sealed class CallerTurns(int places)
{
    private readonly Dictionary<UserId, Queue<TaskCompletionSource>> waiting = [];
    private readonly Queue<UserId> order = new();
    private int taken;

    /// <summary>Waits for a place, which is given back by <see cref="Leave"/>.</summary>
    public Task EnterAsync(UserId caller)
    {
        if (taken < places)
        {
            taken++;
            return Task.CompletedTask;
        }

        if (!waiting.TryGetValue(caller, out Queue<TaskCompletionSource>? own))
        {
            waiting.Add(caller, own = new Queue<TaskCompletionSource>());
            order.Enqueue(caller);
        }

        var place = new TaskCompletionSource();
        own.Enqueue(place);
        return place.Task;
    }

    /// <summary>Gives a place back: to the caller whose turn it is.</summary>
    public void Leave()
    {
        if (!order.TryDequeue(out UserId next))
        {
            taken--;
            return;
        }

        Queue<TaskCompletionSource> own = waiting[next];
        TaskCompletionSource place = own.Dequeue();
        if (own.Count > 0)
            order.Enqueue(next);
        else
            waiting.Remove(next);
        place.SetResult();
    }
}
