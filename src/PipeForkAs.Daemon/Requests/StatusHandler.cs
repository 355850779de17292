using System.Reflection;
using System.Text;
using System.Text.Json;
using PipeForkAs.Daemon.Auditing;
using PipeForkAs.Daemon.Callers;
using PipeForkAs.Daemon.EventLoop;
using PipeForkAs.Daemon.Forking;
using PipeForkAs.Daemon.Logging;
using PipeForkAs.Daemon.Replying;
using PipeForkAs.Daemon.Upgrading;
using PipeForkAs.LibC;
using PipeForkAs.Protocol.Client;

namespace PipeForkAs.Daemon.Requests;

/// <summary>
/// Answers <c>status</c>. Root sees every job. Other callers see only their own jobs, for any target user; they do not see the jobs of
/// other callers or the job hosts. All callers see the counts.
/// </summary>
internal sealed class StatusHandler(
    JobHosts hosts, RunningJobs running, JobSlots slots, FormerJobs former, Audit audit, LimitedLogger log, Loop loop)
{
    private static readonly string Version =
        typeof(StatusHandler).Assembly.GetCustomAttribute<AssemblyInformationalVersionAttribute>()?.InformationalVersion.Split('+')[0]
        ?? "unknown";

    private readonly long started = loop.Time.GetTimestamp();

    /// <summary>Answers the request.</summary>
    public async ValueTask<EndRecord> StatusAsync(Caller caller, Request request, Reply reply)
    {
        JobsAnswer? others = await former.AskAsync(caller, cancel: null);
        var status = new DaemonStatus
        {
            Version = Version,
            Uptime = Rounded(loop.Time.GetElapsedTime(started).TotalSeconds, 3),
            Hosts = caller.Uid == UserId.Root ? [.. hosts.Current.Select(StatusOf), .. hosts.Former.Select(StatusOf)] : null,
            Jobs = [.. others?.Jobs ?? [], .. running.KnownTo(caller.Uid)],
            Running = running.Counts.Running + (others?.Running ?? 0),
            FormerDaemon = others is not null && caller.Uid == UserId.Root ? former.Daemon?.Value : null,
            Waiting = slots.Queued,
            Served = running.Counts.Served,
            Refused = running.Counts.Refused,
            Codes = running.Counts.ByCode(),
            Durations = running.Counts.Durations(),
            Denials = caller.Uid == UserId.Root ? running.Counts.Denials() : null,
            Loop = StatusOf(loop.TurnTimes, isRoot: caller.Uid == UserId.Root),
            Records = Records(caller),
        };
        byte[] output = request.Reply == ReplyForm.Frames
            ? JsonSerializer.SerializeToUtf8Bytes(status, DaemonStatusJson.Default.DaemonStatus)
            : Encoding.UTF8.GetBytes(string.Concat(StatusText.Lines(status).Select(line => line + "\n")));
        await reply.WriteAsync(output);
        return new EndRecord { Code = ReplyCode.Ok, Stdout = output.Length };
    }

    private static LoopStatus StatusOf(TurnTimes times, bool isRoot)
    {
        long turns = 0;
        var histogram = new List<LoopBucket>(TurnTimes.Bounds.Count);
        for (int i = 0; i < TurnTimes.Bounds.Count; i++)
            histogram.Add(new LoopBucket(TimeSpan.FromSeconds(TurnTimes.Bounds[i]), turns += times.Counts[i]));
        return new LoopStatus
        {
            Turns = turns + times.Counts[^1],
            Total = Rounded(times.Seconds, 6),
            Longest = Rounded(times.Longest, 6),
            LongestOnProcessor = Rounded(times.LongestOnProcessor, 6),
            LongestStep = isRoot ? times.LongestStep : null,
            Histogram = histogram,
        };
    }

    private static TimeSpan Rounded(double seconds, int digits) => TimeSpan.FromSeconds(Math.Round(seconds, digits));

    /// <summary>
    /// Returns the status of the audit. Only root may know that the file lacks records; other callers could use this to act unobserved.
    /// </summary>
    private RecordStatus Records(Caller caller)
    {
        (long suppressed, long lost, int waiting) = audit.Counts;
        bool isRoot = caller.Uid == UserId.Root;
        return new RecordStatus(suppressed, log.Suppressed, isRoot ? waiting : null, isRoot ? lost : null);
    }

    private static JobHostStatus StatusOf(JobHostPool host) =>
        new(
            host.Path, [.. host.Pids.Select(pid => pid.Value)], host.ReadyWorkers, host.WantedWorkers, host.IsHealthy, host.IsRetired,
            host.Misses);
}
