using PipeForkAs.LibC;

namespace PipeForkAs.Daemon.Isolation;

/// <summary>
/// The jobs that were ended and of which processes live that cannot be killed, as in an uninterruptible sleep, by the user that they run as. On the loop.
/// </summary>
internal sealed class UnkillableJobs
{
    private readonly Dictionary<UserId, int> byUser = [];

    /// <summary>How many there are.</summary>
    public int Count { get; private set; }

    /// <summary>How many run as a user.</summary>
    public int Of(UserId user) => byUser.GetValueOrDefault(user);

    /// <summary>Adds one.</summary>
    public void Add(UserId user)
    {
        Count++;
        byUser[user] = Of(user) + 1;
    }

    /// <summary>Removes one that was added: nothing of it is left.</summary>
    public void Remove(UserId user)
    {
        Count--;
        if (--byUser[user] == 0)
            byUser.Remove(user);
    }
}
