using System.Collections;
using PipeForkAs.LibC;

namespace PipeForkAs.Daemon.Callers;

/// <summary>
/// The supplementary groups of a caller when it connected (SO_PEERGROUPS; unix(7)). They are read once, at the first use: a process can
/// have 65,536 groups (NGROUPS_MAX), and a refused connection must cost little. For use on the loop.
/// </summary>
/// <param name="socket">The connection. A read after it was closed throws <see cref="ObjectDisposedException"/>.</param>
internal sealed class PeerGroups(FileDescriptor socket) : IReadOnlyList<GroupId>
{
    private GroupId[]? groups;

    /// <inheritdoc/>
    public int Count => All.Length;

    private GroupId[] All => groups ??= Libc.getsockopt_peergroups(socket);

    /// <inheritdoc/>
    public GroupId this[int index] => All[index];

    /// <inheritdoc/>
    public IEnumerator<GroupId> GetEnumerator() => ((IEnumerable<GroupId>)All).GetEnumerator();

    IEnumerator IEnumerable.GetEnumerator() => GetEnumerator();
}
