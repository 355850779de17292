using PipeForkAs.Daemon.Configuration;
using PipeForkAs.Daemon.EventLoop;
using PipeForkAs.LibC;
using PipeForkAs.Protocol.Client;

namespace PipeForkAs.Daemon.Requests;

/// <summary>Counts what runs at once, in all and for each caller. A request for which there is no slot waits its turn for a time.</summary>
internal sealed class JobSlots(Loop loop, LimitOptions limits)
{
    private readonly Dictionary<UserId, int> byCaller = [];
    private readonly LinkedList<Waiter> waiting = new();

    /// <summary>Jobs that run now.</summary>
    public int Taken { get; private set; }

    /// <summary>Requests that wait for a slot.</summary>
    public int Waiting => waiting.Count;

    /// <summary>Takes a slot, when there is one; disposing what comes back frees it.</summary>
    /// <param name="caller">For whom.</param>
    /// <param name="leave">Takes what is to be called when the client goes away meanwhile.</param>
    /// <exception cref="RefusedException">There is none and the queue is full, none became free in time, or the client went away.</exception>
    public async ValueTask<Slot> TakeAsync(UserId caller, Action<Action> leave)
    {
        // Who came first goes first, but for those whose own jobs are in their way.
        if (Problem(caller) is not { } problem)
            return Take(caller);
        if (waiting.Count >= limits.MaxQueued || waiting.Count(waiter => waiter.Caller == caller) >= limits.MaxJobsPerUid)
            throw new RefusedException(ReplyCode.Busy, $"{problem}; ask again later");

        var waiter = new Waiter(caller);
        LinkedListNode<Waiter> place = waiting.AddLast(waiter);
        using LoopTimer late = loop.Schedule(limits.QueueTimeout, () => Refuse(place, ReplyCode.Busy, $"{Problem(caller) ?? problem}, for {limits.QueueTimeout.TotalSeconds:0.###} s now; ask again later"));
        leave(() => Refuse(place, ReplyCode.Cancelled, "the client went away; nothing was run"));
        return await waiter.Slot.Task;
    }

    /// <summary>The daemon stops: nobody waits any more.</summary>
    public void RefuseAll()
    {
        while (waiting.First is { } first)
            Refuse(first, ReplyCode.ShuttingDown, "the daemon is stopping; nothing was run");
    }

    private string? Problem(UserId caller)
    {
        if (Taken >= limits.MaxJobs)
            return $"{Taken} jobs run, no more may (Limits:MaxJobs)";
        int own = byCaller.GetValueOrDefault(caller);
        return own >= limits.MaxJobsPerUid ? $"{own} of your jobs run, no more may (Limits:MaxJobsPerUid)" : null;
    }

    private Slot Take(UserId caller)
    {
        Taken++;
        byCaller[caller] = byCaller.GetValueOrDefault(caller) + 1;
        return new Slot(this, caller);
    }

    private void Refuse(LinkedListNode<Waiter> place, ReplyCode code, string message)
    {
        if (place.List is null)
            return;
        waiting.Remove(place);
        place.Value.Slot.SetException(new RefusedException(code, message));
    }

    private void Free(UserId caller)
    {
        Taken--;
        if (--byCaller[caller] == 0)
            byCaller.Remove(caller);
        ServeWaiting();
    }

    /// <summary>Gives slots to those who wait, where there are any: one became free, or more may be taken than before.</summary>
    public void ServeWaiting()
    {
        for (LinkedListNode<Waiter>? place = waiting.First; place is not null && Taken < limits.MaxJobs;)
        {
            LinkedListNode<Waiter>? next = place.Next;
            UserId waits = place.Value.Caller;
            if (Problem(waits) is null)
            {
                waiting.Remove(place);
                Slot slot = Take(waits);

                // Not inline: who goes on here may free its slot before this loop is done.
                Waiter first = place.Value;
                loop.Post(_ => first.Slot.SetResult(slot), null);
            }

            place = next;
        }
    }

    /// <summary>A slot.</summary>
    internal readonly struct Slot(JobSlots owner, UserId caller) : IDisposable
    {
        public void Dispose() => owner.Free(caller);
    }

    private sealed class Waiter(UserId caller)
    {
        public UserId Caller { get; } = caller;

        public TaskCompletionSource<Slot> Slot { get; } = new();
    }
}
