using PipeForkAs.Daemon.EventLoop;
using PipeForkAs.Daemon.Fairness;

namespace PipeForkAs.Daemon.Isolation;

/// <summary>
/// Counts, for each target user, the ended jobs with processes that do not end, for example in an uninterruptible sleep: the number of such
/// jobs of a user is limited. For use on the loop.
/// </summary>
/// <param name="loop">The loop.</param>
internal sealed class UnkillableJobs(Loop loop)
{
    /// <summary>How long killed processes can take to end before their job counts.</summary>
    public static readonly TimeSpan Patience = TimeSpan.FromMilliseconds(250);

    private readonly Dictionary<Bucket, int> byUser = [];

    /// <summary>Returns the number of such jobs of a target user.</summary>
    public int Of(Bucket user) => byUser.GetValueOrDefault(user);

    /// <summary>
    /// Counts an ended job if some of its processes are left for longer than <see cref="Patience"/>, until none is left. A job that was not
    /// examined yet does not count.
    /// </summary>
    /// <param name="user">The target user.</param>
    /// <param name="left">What may be left of the job.</param>
    /// <param name="decided">Called once, when no process is left or when the job counts.</param>
    public async Task WatchAsync(Bucket user, Leftovers left, Action decided)
    {
        Task gone = left.Gone;
        bool isGone = gone.IsCompleted
            || await Task.WhenAny(gone, Task.WhenAll(loop.DelayAsync(Patience), left.Examined)) == gone;
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
