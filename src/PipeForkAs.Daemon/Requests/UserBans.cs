using PipeForkAs.Daemon.Callers;
using PipeForkAs.Daemon.Configuration;
using PipeForkAs.Daemon.Fairness;
using PipeForkAs.Daemon.Isolation;
using PipeForkAs.Daemon.Untrusted;
using PipeForkAs.LibC;
using PipeForkAs.Protocol.Client;
using PipeForkAs.Protocol.Worker;

namespace PipeForkAs.Daemon.Requests;

/// <summary>Refuses to run jobs as users whose jobs harm others. The caller itself is not banned by this.</summary>
/// <param name="offenders">The buckets whose sockets blocked the daemon.</param>
/// <param name="unkillable">The jobs that cannot be killed.</param>
/// <param name="configuration">Defines how many unkillable jobs a user may have.</param>
internal sealed class UserBans(Offenders offenders, UnkillableJobs unkillable, CurrentConfiguration configuration)
{
    /// <summary>Checks that jobs may run as a user.</summary>
    /// <exception cref="RefusedException">No job may run as this user at present.</exception>
    public void ThrowIfBanned(Account account)
    {
        if (Problem(account) is { } problem)
            throw new RefusedException(ReplyCode.Busy, problem);
    }

    /// <summary>Returns why no job may run as a user at present; null if jobs may run.</summary>
    public string? Problem(Account account)
    {
        Bucket user = Bucket.OfAccount(new UserId(account.Uid));
        if (offenders.IsBanned(user))
            return $"jobs or connections of {account.Name} delayed the daemon, which runs no job as this user for a while; ask again later";
        return unkillable.Of(user) is var count && count >= configuration.Limits.MaxJobsPerUid
            ? $"{count} ended jobs of {account.Name} have leftover processes, the maximum (Limits:MaxJobsPerUid); ask again later"
            : null;
    }
}
