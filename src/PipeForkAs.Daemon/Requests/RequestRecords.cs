using System.Diagnostics;
using PipeForkAs.Daemon.Auditing;
using PipeForkAs.Daemon.Listening;
using PipeForkAs.Protocol.Client;

namespace PipeForkAs.Daemon.Requests;

/// <summary>Counts requests, and keeps one record of each.</summary>
internal sealed class RequestRecords(Audit audit, RequestCounts counts)
{
    /// <summary>A request has ended: completes its end record, which is the client's and the audit's.</summary>
    public EndRecord Conclude(Connection client, AuditTrail trail, EndRecord end)
    {
        end = end with { Seconds = Math.Round(Stopwatch.GetElapsedTime(client.Accepted).TotalSeconds, 6) };
        trail.End = end;
        counts.Answered(end.Code);
        return end;
    }

    /// <summary>Keeps the record. That of a long request takes as long as the request's reading did, and waits for its turn.</summary>
    public async ValueTask KeepAsync(Connection client, AuditTrail trail)
    {
        await client.Turns.EnterAsync(client.Caller.Bucket);
        audit.Write(trail);
    }
}
