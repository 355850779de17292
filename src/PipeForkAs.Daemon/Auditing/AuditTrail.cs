using PipeForkAs.Daemon.Authorization;
using PipeForkAs.Daemon.Callers;
using PipeForkAs.Daemon.Listening;
using PipeForkAs.Daemon.Relaying;
using PipeForkAs.Protocol.Client;

namespace PipeForkAs.Daemon.Auditing;

/// <summary>Collects what becomes known of a request, for its one record at the end. A value that never became known stays null.</summary>
/// <param name="caller">The caller.</param>
/// <param name="origin">Finds the program of the caller.</param>
internal sealed class AuditTrail(Caller caller, Func<CallerOrigin> origin)
{
    public AuditTrail(Connection client)
        : this(client.Caller, () => client.Origin)
    {
    }

    public Caller Caller { get; } = caller;

    public CallerOrigin Origin => origin();

    /// <summary>The request, if the message was one.</summary>
    public Request? Request { get; set; }

    /// <summary>The id of the job that ran, or, for <c>cancel</c>, the requested id; null for none.</summary>
    public long? Id
    {
        get => field ?? Request?.Id;
        set;
    }

    /// <summary>The decision of the policy.</summary>
    public Decision? Decision { get; set; }

    /// <summary>The relay of the client's input to the job.</summary>
    public InputRelay? Input { get; set; }

    /// <summary>The relay of the job's output to the client.</summary>
    public OutputRelay? Output { get; set; }

    /// <summary>The end record, even if the client did not receive it.</summary>
    public EndRecord? End { get; set; }
}
