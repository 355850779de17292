using PipeForkAs.Daemon.Fairness;
using PipeForkAs.LibC;

namespace PipeForkAs.Daemon.Callers;

/// <summary>The caller, as the kernel attests it. Nothing here comes from the client itself.</summary>
/// <param name="Uid">The effective uid when it connected.</param>
/// <param name="Gid">The effective gid.</param>
/// <param name="Groups">The supplementary groups.</param>
/// <param name="Pid">The process id: for the log only, because another process can have it by now.</param>
internal sealed record Caller(UserId Uid, GroupId Gid, IReadOnlyList<GroupId> Groups, ProcessId Pid)
{
    /// <summary>The bucket with which the caller shares its turns.</summary>
    public Bucket Bucket { get; init; } = Bucket.OfAccount(Uid);

    /// <summary>Reads from the kernel which process connected: SO_PEERCRED and SO_PEERGROUPS; unix(7).</summary>
    public static Caller Identify(FileDescriptor socket)
    {
        PeerCredentials credentials = Libc.getsockopt_peercred(socket);
        return new Caller(credentials.Uid, credentials.Gid, new PeerGroups(socket), credentials.Pid);
    }
}
