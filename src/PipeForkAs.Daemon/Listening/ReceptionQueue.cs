using PipeForkAs.Daemon.Configuration;
using PipeForkAs.Daemon.EventLoop;
using PipeForkAs.Protocol.Client;

namespace PipeForkAs.Daemon.Listening;

/// <summary>Which connections are read until they have sent their requests: of each bucket a number at once, in their order.</summary>
/// <param name="loop">The loop.</param>
/// <param name="configuration">Says how many are read at once, and how long the others wait.</param>
internal sealed class ReceptionQueue(Loop loop, CurrentConfiguration configuration)
{
    /// <summary>A connection has come: it is read at once where there is a place.</summary>
    public void Begin(Reception reception)
    {
        BucketConnections its = reception.Its;
        reception.Unsent = its.Unsent.AddLast(reception);
        if (its.Waiting.Count == 0 && its.Receiving < configuration.Limits.MaxReceivingPerUid)
            TakePlace(reception);
    }

    /// <summary>Waits until a connection may be read.</summary>
    public ValueTask EnterAsync(Reception reception) => reception.HasPlace ? default : new ValueTask(WaitAsync(reception));

    /// <summary>A request was read, or will not be: another one's turn. Has no effect the second time.</summary>
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

    /// <summary>Refuses a connection whose request is not read yet; it is told by the one that reads it.</summary>
    public void Refuse(Reception reception, string problem)
    {
        RemoveUnsent(reception);
        GiveUp(reception, problem);
    }

    /// <summary>Lets those of a bucket in that wait, where there are places.</summary>
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

        // Not inline: what is read may be refused at once and admit the next one, and a long line would become a deep stack.
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
