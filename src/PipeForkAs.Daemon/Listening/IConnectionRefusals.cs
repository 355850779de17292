using PipeForkAs.Daemon.Callers;
using PipeForkAs.Daemon.Untrusted;

namespace PipeForkAs.Daemon.Listening;

/// <summary>Refuses connections that exceed a limit.</summary>
internal interface IConnectionRefusals
{
    /// <summary>Refuses a connection. Waits a short time for the request, which specifies the form of reply.</summary>
    /// <param name="connection">The connection.</param>
    /// <param name="problem">The reason, for the caller.</param>
    Task RefuseAsync(Connection connection, string problem);

    /// <summary>
    /// Refuses a connection without waiting, and closes it. The part of the request that has arrived specifies the form of reply. Costs a
    /// few system calls, so that thousands of refusals delay no other connection.
    /// </summary>
    /// <param name="socket">The connection, which this method closes.</param>
    /// <param name="caller">The process that connected.</param>
    /// <param name="problem">The reason, for the caller.</param>
    void RefuseAtOnce(UntrustedSocket socket, Caller caller, string problem);

    /// <summary>Counts and records a connection that was closed without a reply.</summary>
    /// <param name="caller">The process that connected.</param>
    /// <param name="problem">The reason.</param>
    void Drop(Caller caller, string problem);
}
