using System.Diagnostics;
using PipeForkAs.Client;
using PipeForkAs.Daemon.Auditing;
using PipeForkAs.Daemon.Listening;
using PipeForkAs.Protocol.Client;

namespace PipeForkAs.Daemon.Requests;

/// <summary>Counts requests, and writes one audit record for each.</summary>
internal sealed class RequestRecords(Audit audit, RequestCounts counts)
{
    /// <summary>Completes the end record of a request, which goes to the caller and to the audit.</summary>
    /// <param name="client">The connection.</param>
    /// <param name="trail">Receives the end record.</param>
    /// <param name="end">The end record.</param>
    /// <param name="ran">The kind of the job that ran; null if none ran.</param>
    public EndRecord Conclude(Connection client, AuditTrail trail, EndRecord end, JobKind? ran = null)
    {
        end = end with { Seconds = Math.Round(Stopwatch.GetElapsedTime(client.Accepted).TotalSeconds, 6) };
        trail.End = end;
        counts.Answered(end);
        if (ran is { } kind)
            counts.Took(kind, end);
        if (end.Code == ReplyCode.Denied && trail is { Request.Operation: Operation.Run, Decision: { IsAllowed: false } decision })
            counts.Denied(decision);
        return end;
    }

    /// <summary>
    /// Writes the audit record. Waits for its turn, because the record of a long request takes as long as reading that request.
    /// </summary>
    public async ValueTask KeepAsync(Connection client, AuditTrail trail)
    {
        await client.Turns.EnterAsync(client.Caller.Bucket);
        audit.Write(trail);
    }
}
