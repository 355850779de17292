namespace PipeForkAs.Jobs;

/// <summary>The user that a job runs as.</summary>
/// <param name="Name">The user's name.</param>
/// <param name="Uid">The user's uid.</param>
/// <param name="Gid">The gid of the user's primary group.</param>
/// <param name="Groups">The gids of all the user's groups, ascending, including the primary group.</param>
/// <param name="Home">
/// The user's home directory. It is the working directory if the user can enter it; otherwise, the working directory is <c>/</c>.
/// </param>
/// <param name="Shell">The user's shell.</param>
public sealed record JobUser(string Name, uint Uid, uint Gid, IReadOnlyList<uint> Groups, string Home, string Shell)
{
    /// <summary>The primary group's name, which the daemon looked up; null if it has none or the look-up failed.</summary>
    public string? GroupName { get; init; }
}
