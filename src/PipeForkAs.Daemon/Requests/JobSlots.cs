using PipeForkAs.Daemon.Configuration;
using PipeForkAs.LibC;
using PipeForkAs.Protocol.Client;

namespace PipeForkAs.Daemon.Requests;

/// <summary>Counts what runs at once, in all and for each caller.</summary>
internal sealed class JobSlots(LimitOptions limits)
{
    private readonly Dictionary<UserId, int> byCaller = [];

    /// <summary>Jobs that run now.</summary>
    public int Taken { get; private set; }

    /// <summary>Takes a slot; disposing what comes back frees it.</summary>
    /// <exception cref="RefusedException">There is none.</exception>
    public Slot Take(UserId caller)
    {
        int own = byCaller.GetValueOrDefault(caller);
        if (Taken >= limits.MaxJobs)
            throw new RefusedException(ReplyCode.Busy, $"{Taken} jobs run, no more may (Limits:MaxJobs); ask again later");
        if (own >= limits.MaxJobsPerUid)
            throw new RefusedException(ReplyCode.Busy, $"{own} of your jobs run, no more may (Limits:MaxJobsPerUid); ask again later");
        Taken++;
        byCaller[caller] = own + 1;
        return new Slot(this, caller);
    }

    private void Free(UserId caller)
    {
        Taken--;
        if (--byCaller[caller] == 0)
            byCaller.Remove(caller);
    }

    /// <summary>A slot.</summary>
    internal readonly struct Slot(JobSlots owner, UserId caller) : IDisposable
    {
        public void Dispose() => owner.Free(caller);
    }
}
