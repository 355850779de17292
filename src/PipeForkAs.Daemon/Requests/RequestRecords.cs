using System.Diagnostics;
using PipeForkAs.Daemon.Auditing;
using PipeForkAs.Daemon.Listening;
using PipeForkAs.Protocol.Client;

namespace PipeForkAs.Daemon.Requests;

/// <summary>Counts requests, and writes one audit record for each.</summary>
internal sealed class RequestRecords(Audit audit, RequestCounts counts)
{
    /// <summary>Completes the end record of a request, which goes to the caller and to the audit.</summary>
    public EndRecord Conclude(Connection client, AuditTrail trail, EndRecord end)
    {
        end = end with { Seconds = Math.Round(Stopwatch.GetElapsedTime(client.Accepted).TotalSeconds, 6) };
        trail.End = end;
        counts.Answered(end);
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
