using PipeForkAs.Daemon.EventLoop;
using PipeForkAs.Daemon.Fairness;

namespace PipeForkAs.Daemon.Isolation;

/// <summary>
/// Counts jobs that were ended and of which something is left that does not end, as in an uninterruptible sleep, by the user that they
/// run as: how many of those a user may have is limited. On the loop.
/// </summary>
/// <param name="loop">The loop.</param>
internal sealed class UnkillableJobs(Loop loop)
{
    /// <summary>How long killed processes may take to be gone, before their job counts.</summary>
    public static readonly TimeSpan Patience = TimeSpan.FromMilliseconds(250);

    private readonly Dictionary<Bucket, int> byUser = [];

    /// <summary>How many run as a user.</summary>
    public int Of(Bucket user) => byUser.GetValueOrDefault(user);

    /// <summary>
    /// Counts a job that was ended, where something of it is left for longer than <see cref="Patience"/>, until nothing is.
    /// </summary>
    /// <param name="user">Whom it runs as.</param>
    /// <param name="gone">Completes when nothing of it is left.</param>
    /// <param name="decided">Called once, when nothing is left of it or when it counts.</param>
    public async Task WatchAsync(Bucket user, Task gone, Action decided)
    {
        bool isGone = gone.IsCompleted || await Task.WhenAny(gone, loop.DelayAsync(Patience)) == gone;
        if (!isGone)
            byUser[user] = Of(user) + 1;
        decided();
        if (isGone)
            return;
        await gone;
        if (--byUser[user] == 0)
            byUser.Remove(user);
    }
}
