using System.Reflection;
using System.Text;
using System.Text.Json;
using PipeForkAs.Daemon.Auditing;
using PipeForkAs.Daemon.Callers;
using PipeForkAs.Daemon.EventLoop;
using PipeForkAs.Daemon.Fairness;
using PipeForkAs.Daemon.Forking;
using PipeForkAs.Daemon.Logging;
using PipeForkAs.Daemon.Reloading;
using PipeForkAs.Daemon.Replying;
using PipeForkAs.Daemon.Upgrading;
using PipeForkAs.LibC;
using PipeForkAs.Protocol;
using PipeForkAs.Protocol.Client;

namespace PipeForkAs.Daemon.Requests;

/// <summary>
/// Answers <c>status</c>, <c>cancel</c> and <c>reload</c>. Root sees and ends every job. Other callers see and end only their own jobs, for
/// any target user; they do not see the jobs of other callers or the job hosts. All callers see the counts.
/// </summary>
internal sealed class StatusHandler(
    JobHosts hosts, RunningJobs running, JobSlots slots, FairTurns turns, Predecessor? former, Audit audit, Func<Task<ReloadResult>> reload,
    LimitedLogger log, Loop loop)
{
    private static readonly string Version =
        typeof(StatusHandler).Assembly.GetCustomAttribute<AssemblyInformationalVersionAttribute>()?.InformationalVersion.Split('+')[0]
        ?? "unknown";

    private readonly long started = loop.Time.GetTimestamp();

    /// <summary>Answers <c>status</c>.</summary>
    public async ValueTask<EndRecord> StatusAsync(Caller caller, Request request, Reply reply)
    {
        JobsAnswer? others = await AskFormerAsync(caller, cancel: null);
        var status = new DaemonStatus
        {
            Version = Version,
            Uptime = Rounded(loop.Time.GetElapsedTime(started).TotalSeconds, 3),
            Hosts = caller.Uid == UserId.Root ? [.. hosts.Current.Select(StatusOf), .. hosts.Former.Select(StatusOf)] : null,
            Jobs = [.. others?.Jobs ?? [], .. running.KnownTo(caller.Uid)],
            Running = running.Counts.Running + (others?.Running ?? 0),
            FormerDaemon = others is not null && caller.Uid == UserId.Root ? former!.Pid.Value : null,
            Waiting = slots.Waiting,
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

    /// <summary>
    /// Answers <c>cancel</c>: confirms that the job is being ended. The connection that runs the job gets its own reply when the job has
    /// ended.
    /// </summary>
    /// <exception cref="RefusedException">
    /// The caller has no such job; the message is the same if the job does not exist and if it belongs to another caller. Or a former
    /// daemon does not answer.
    /// </exception>
    public async ValueTask<EndRecord> CancelAsync(Caller caller, Request request) => await IsCancelledAsync(caller, request.Id!.Value)
        ? new EndRecord { Code = ReplyCode.Ok }
        : throw new RefusedException(ReplyCode.UnknownJob, $"no job {request.Id} of yours runs; status shows those that do");

    /// <summary>
    /// Answers <c>reload</c> when the reload has ended: with the changes, or with the reasons why it was refused, one line for each
    /// problem.
    /// </summary>
    /// <exception cref="RefusedException">The caller is not root.</exception>
    public async ValueTask<EndRecord> ReloadAsync(Caller caller, Reply reply)
    {
        if (caller.Uid != UserId.Root)
            throw new RefusedException(ReplyCode.Denied, "only root may reload the configuration");
        ReloadResult result = await reload();
        IReadOnlyList<string> lines = result.IsRefused ? result.Problems : result.Changed;
        byte[] output = Encoding.UTF8.GetBytes(string.Concat(lines.Select(static line => UntrustedText.Escape(line) + "\n")));
        await reply.WriteAsync(output);
        return new EndRecord
        {
            Code = result.IsRefused ? ReplyCode.Failed : ReplyCode.Ok,
            Message = result.IsRefused ? "configuration not reloaded; the former one still applies" : null,
            Stdout = output.Length,
        };
    }

    private async ValueTask<bool> IsCancelledAsync(Caller caller, long id)
    {
        if (running.Cancel(id, caller.Uid))
            return true;
        if (former is null || former.HasNoJobs)
            return false;
        JobsAnswer? answer = await AskFormerAsync(caller, id);
        return answer?.IsCancelled ?? (former.HasNoJobs
            ? false
            : throw new RefusedException(ReplyCode.Busy, "the former daemon, whose jobs still run, does not answer; try again"));
    }

    private async ValueTask<JobsAnswer?> AskFormerAsync(Caller caller, long? cancel)
    {
        if (former is null)
            return null;
        JobsAnswer? answer = await former.AskAsync(caller.Bucket, caller.Uid, cancel);

        // Several callers may wait for the same reload. Each of them continues in its turn.
        await turns.EnterAsync(caller.Bucket);
        return answer;
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
