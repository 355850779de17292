namespace PipeForkAs.Jobs;

/// <summary>The user that a job runs as.</summary>
/// <param name="Name">The user's name.</param>
/// <param name="Uid">Its uid.</param>
/// <param name="Gid">The gid of its primary group.</param>
/// <param name="Groups">The gids of all its groups, ascending, the primary one included.</param>
/// <param name="Home">Its home directory, which is the working directory where the user can enter it, else that is <c>/</c>.</param>
/// <param name="Shell">Its shell.</param>
public sealed record JobUser(string Name, uint Uid, uint Gid, IReadOnlyList<uint> Groups, string Home, string Shell)
{
    /// <summary>The primary group's name, which the daemon looked up; null where it has none, or the look-up failed.</summary>
    public string? GroupName { get; init; }
}
