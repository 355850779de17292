using Microsoft.Extensions.Logging;
using PipeForkAs.Daemon.EventLoop;
using PipeForkAs.Daemon.Fairness;
using PipeForkAs.Daemon.Logging;

namespace PipeForkAs.Daemon.Untrusted;

/// <summary>
/// The banned buckets: their sockets delayed the loop, or sent what cannot be closed. The other end of a socket decides how long a system
/// call on the socket takes: the call wakes each epoll(7) watch of the socket, which takes about 0.2 microseconds each, and a user can have
/// millions of watches (/proc/sys/fs/epoll/max_user_watches). While a bucket is banned, the daemon makes no system call on its sockets.
/// Root is never banned. For use on the loop.
/// </summary>
/// <param name="loop">The loop.</param>
/// <param name="logger">The log.</param>
/// <param name="banned">Called, from the loop itself, when a bucket has been banned.</param>
internal sealed class Offenders(Loop loop, ILogger logger, Action<Bucket> banned)
{
    /// <summary>Calls that take less processor time are not counted.</summary>
    internal static readonly TimeSpan Notable = TimeSpan.FromMilliseconds(1);

    /// <summary>The processor time of counted calls on a bucket's sockets, in any second; above it the bucket is banned.</summary>
    internal static readonly TimeSpan Allowance = TimeSpan.FromMilliseconds(150);

    /// <summary>The duration of a ban, as a multiple of the time that the calls took.</summary>
    private const int TimesAsLong = 100;

    private const int MaxRemembered = 1024;

    private static readonly TimeSpan ShortestBan = TimeSpan.FromSeconds(10);
    private static readonly TimeSpan LongestBan = TimeSpan.FromMinutes(10);

    private readonly Dictionary<Bucket, Record> records = [];

    public bool IsBanned(Bucket bucket) => records.Count > 0 && records.TryGetValue(bucket, out Record? record) && IsBanned(record);

    /// <summary>Counts a system call on a socket of a bucket.</summary>
    /// <param name="bucket">The bucket of the process at the other end.</param>
    /// <param name="onProcessor">The processor time that the call took.</param>
    public void CallTook(Bucket bucket, TimeSpan onProcessor)
    {
        if (bucket.IsRoot || onProcessor < Notable)
            return;
        long now = loop.Time.GetTimestamp();
        Record record = Of(bucket, now);
        record.Debt = Math.Max(0, record.Debt - (loop.Time.GetElapsedTime(record.At, now).TotalSeconds * Allowance.TotalSeconds))
            + onProcessor.TotalSeconds;
        record.At = now;
        if (record.Debt <= Allowance.TotalSeconds || IsBanned(record))
            return;

        TimeSpan ban = TimeSpan.FromSeconds(Math.Clamp(record.Debt * TimesAsLong, ShortestBan.TotalSeconds, LongestBan.TotalSeconds));
        record.Until = now + (long)(ban.TotalSeconds * loop.Time.TimestampFrequency);
        Log.CallsTookLong(logger, bucket.ToString(), record.Debt * 1000, ban.TotalSeconds);
        ReportBan(bucket);
    }

    /// <summary>Bans a bucket for as long as a process cannot close what the bucket sent; <see cref="Ends"/> must follow.</summary>
    public void Hangs(Bucket bucket)
    {
        if (bucket.IsRoot)
            return;
        Record record = Of(bucket, loop.Time.GetTimestamp());
        bool wasBanned = IsBanned(record);
        record.Hanging++;
        if (wasBanned)
            return;
        Log.ClosingHangs(logger, bucket.ToString());
        ReportBan(bucket);
    }

    /// <summary>Called when one of the processes that could not close what a bucket sent has ended.</summary>
    public void Ends(Bucket bucket)
    {
        if (!bucket.IsRoot)
            records[bucket].Hanging--;
    }

    private bool IsBanned(Record record) => record.Hanging > 0 || loop.Time.GetTimestamp() < record.Until;

    private Record Of(Bucket bucket, long now)
    {
        if (records.TryGetValue(bucket, out Record? record))
            return record;
        if (records.Count >= MaxRemembered)
        {
            foreach ((Bucket each, Record old) in records)
            {
                if (!IsBanned(old) && loop.Time.GetElapsedTime(old.At, now) > ShortestBan)
                    records.Remove(each);
            }
        }

        record = new Record { At = now };
        records.Add(bucket, record);
        return record;
    }

    /// <summary>Not inline: the code that made the slow call is still running.</summary>
    private void ReportBan(Bucket bucket) => loop.Post(_ => banned(bucket), null);

    private sealed class Record
    {
        /// <summary>The counted processor time in seconds at the time <see cref="At"/>; it decreases as time passes.</summary>
        public double Debt { get; set; }

        public long At { get; set; }

        /// <summary>The timestamp at which the ban ends.</summary>
        public long Until { get; set; }

        /// <summary>The number of processes that cannot close what the bucket sent.</summary>
        public int Hanging { get; set; }
    }
}
