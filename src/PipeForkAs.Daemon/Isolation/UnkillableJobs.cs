using PipeForkAs.LibC;

namespace PipeForkAs.Daemon.Isolation;

/// <summary>
/// Counts what was killed and does not end, as in an uninterruptible sleep, by the user that it runs as: jobs with control groups, processes without
/// them. On the loop.
/// </summary>
internal sealed class UnkillableJobs
{
    private readonly Dictionary<UserId, int> byUser = [];

    /// <summary>How many run as a user.</summary>
    public int Of(UserId user) => byUser.GetValueOrDefault(user);

    /// <summary>Adds some of a user, or takes some away.</summary>
    public void Change(UserId user, int by)
    {
        int count = Of(user) + by;
        if (count == 0)
            byUser.Remove(user);
        else
            byUser[user] = count;
    }
}
