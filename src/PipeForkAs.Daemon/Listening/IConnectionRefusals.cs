using PipeForkAs.Daemon.Callers;
using PipeForkAs.Daemon.Untrusted;

namespace PipeForkAs.Daemon.Listening;

/// <summary>Refuses connections for which there is no room.</summary>
internal interface IConnectionRefusals
{
    /// <summary>Refuses a connection; waits a short time for the request, whose form of reply counts.</summary>
    /// <param name="connection">The connection.</param>
    /// <param name="problem">Why, for the client.</param>
    Task RefuseAsync(Connection connection, string problem);

    /// <summary>
    /// Refuses a connection without waiting, and closes it: what has arrived of the request decides on the reply's form. Costs a few
    /// system calls, so that thousands of them delay nobody.
    /// </summary>
    /// <param name="socket">The connection, from here on not the caller's.</param>
    /// <param name="caller">The process that connected.</param>
    /// <param name="problem">Why, for the client.</param>
    void RefuseAtOnce(UntrustedSocket socket, Caller caller, string problem);

    /// <summary>Counts and records a connection that was closed without a word.</summary>
    /// <param name="caller">The process that connected.</param>
    /// <param name="problem">Why.</param>
    void Drop(Caller caller, string problem);
}
