using PipeForkAs.LibC;

namespace PipeForkAs.Daemon.Isolation;

/// <summary>A process of a user that has lost its parent: the daemon or a job host is its parent now.</summary>
internal sealed class Orphan(ProcessEntry process, UserId[] users)
{
    public ProcessEntry Process => process;

    /// <summary>The users of the process; root only if it has no other.</summary>
    public UserId[] Users => users;

    public SweptJob? Owner { get; set; }
}
