using PipeForkAs.Daemon.Authorization;
using PipeForkAs.Daemon.Callers;
using PipeForkAs.Daemon.Listening;
using PipeForkAs.Daemon.Relaying;
using PipeForkAs.Protocol.Client;

namespace PipeForkAs.Daemon.Auditing;

/// <summary>What becomes known of a request on its way, for its one record at the end. What never became known stays null.</summary>
/// <param name="caller">Who asks.</param>
/// <param name="origin">Looks which program that is.</param>
internal sealed class AuditTrail(Caller caller, Func<CallerOrigin> origin)
{
    public AuditTrail(Connection client)
        : this(client.Caller, () => client.Origin)
    {
    }

    public Caller Caller { get; } = caller;

    public CallerOrigin Origin => origin();

    /// <summary>The request, where it was one.</summary>
    public Request? Request { get; set; }

    /// <summary>The id of the job that ran, or, for <c>cancel</c>, the one that was asked for; null for none.</summary>
    public long? Id
    {
        get => field ?? Request?.Id;
        set;
    }

    /// <summary>What the policy said.</summary>
    public Decision? Decision { get; set; }

    /// <summary>What moves the client's input to the job.</summary>
    public InputRelay? Input { get; set; }

    /// <summary>What moves the job's output to the client.</summary>
    public OutputRelay? Output { get; set; }

    /// <summary>What the client was told, or would have been.</summary>
    public EndRecord? End { get; set; }
}
