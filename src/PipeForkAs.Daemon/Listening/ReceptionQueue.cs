using PipeForkAs.Daemon.Configuration;
using PipeForkAs.Daemon.EventLoop;
using PipeForkAs.Protocol.Client;

namespace PipeForkAs.Daemon.Listening;

/// <summary>
/// Decides which connections are read until they have sent their requests: a limited number of each bucket at once, in their order.
/// </summary>
/// <param name="loop">The loop.</param>
/// <param name="configuration">Defines how many connections are read at once, and how long the others wait.</param>
internal sealed class ReceptionQueue(Loop loop, CurrentConfiguration configuration)
{
    /// <summary>Adds a new connection. The daemon reads it at once if there is a place.</summary>
    public void Begin(Reception reception)
    {
        BucketConnections its = reception.Its;
        reception.Unsent = its.Unsent.AddLast(reception);
        if (its.Waiting.Count == 0 && its.Receiving < configuration.Limits.MaxReceivingPerUid)
            TakePlace(reception);
    }

    /// <summary>Waits until the daemon may read a connection.</summary>
    public ValueTask EnterAsync(Reception reception) => reception.HasPlace ? default : new ValueTask(WaitAsync(reception));

    /// <summary>
    /// Frees the place of a connection after its request was read or refused, and admits the next one. A second call has no effect.
    /// </summary>
    public void End(Reception reception)
    {
        BucketConnections its = reception.Its;
        RemoveUnsent(reception);
        if (!reception.HasPlace)
            return;
        reception.HasPlace = false;
        its.Receiving--;
        AdmitNext(its);
    }

    /// <summary>Refuses a connection whose request is not read yet. The code that reads it sends the reply.</summary>
    public void Refuse(Reception reception, string problem)
    {
        RemoveUnsent(reception);
        GiveUp(reception, problem);
    }

    /// <summary>Admits waiting connections of a bucket while there are places.</summary>
    public void AdmitNext(BucketConnections its)
    {
        while (its.Receiving < configuration.Limits.MaxReceivingPerUid && its.Waiting.First is { } next)
        {
            TakePlace(next.Value);
            Admit(next.Value);
        }
    }

    private static void RemoveUnsent(Reception reception)
    {
        if (reception.Unsent is { } unsent)
            reception.Its.Unsent.Remove(unsent);
        reception.Unsent = null;
    }

    private static void TakePlace(Reception reception)
    {
        reception.HasPlace = true;
        reception.Its.Receiving++;
    }

    private void GiveUp(Reception reception, string problem)
    {
        reception.Connection.Interrupt(ReplyCode.Busy, problem);
        if (reception.Waiting is not null)
            Admit(reception);
    }

    private void Admit(Reception reception)
    {
        reception.Its.Waiting.Remove(reception.Waiting!);
        reception.Waiting = null;

        // Posted to the loop. The connection that is read may be refused at once and admit the next one; inline, a long queue would become
        // a deep stack.
        loop.Post(static admitted => ((TaskCompletionSource)admitted!).SetResult(), reception.Admitted);
    }

    private async Task WaitAsync(Reception reception)
    {
        reception.Admitted = new TaskCompletionSource();
        reception.Waiting = reception.Its.Waiting.AddLast(reception);
        using (loop.Schedule(configuration.Limits.RequestTimeout, () => GiveUpWaiting(reception)))
            await reception.Admitted.Task;
    }

    private void GiveUpWaiting(Reception reception)
    {
        if (reception.Waiting is null)
            return;
        LimitOptions limits = configuration.Limits;
        string limit = $"{limits.MaxReceivingPerUid} of your connections have sent no request, the maximum (Limits:MaxReceivingPerUid)";
        GiveUp(reception, $"{limit}, for {limits.RequestTimeout.TotalSeconds:0.###} s now; ask again later");
    }
}
