using System.Globalization;
using PipeForkAs.Daemon.Callers;
using PipeForkAs.Daemon.Fairness;
using PipeForkAs.Daemon.Forking;
using PipeForkAs.LibC;
using PipeForkAs.Protocol.Client;
using PipeForkAs.Protocol.Worker;

namespace PipeForkAs.Daemon.Requests;

/// <summary>The jobs that run, for those who must end them, and who want to know of them.</summary>
internal sealed class RunningJobs(RequestCounts counts, TimeProvider time)
{
    private readonly Dictionary<long, Entry> jobs = [];
    private long lastId;

    /// <summary>What is counted of requests.</summary>
    public RequestCounts Counts => counts;

    /// <summary>Whether the daemon stops: no new request is taken.</summary>
    public bool Stopping { get; set; }

    /// <summary>Whether all jobs were ended, and none may begin any more.</summary>
    public bool AllEnded { get; private set; }

    /// <summary>The number of the next job.</summary>
    public long NextId
    {
        get => lastId + 1;
        set => lastId = value - 1;
    }

    /// <summary>Those that there are now.</summary>
    public IEnumerable<Entry> All => jobs.Values;

    /// <summary>Adds a job; disposing what comes back takes it out, and disposes it.</summary>
    public Entry Add(RunningJob job, Caller caller, string name, Account account, ForkedWorker worker)
    {
        var entry = new Entry(this, ++lastId, job, caller.Uid, name, account, worker.Pid, time.GetTimestamp());
        jobs.Add(lastId, entry);
        counts.Begun();
        return entry;
    }

    /// <summary>What the caller may know of them, oldest first: root of all, others of those that they asked for.</summary>
    public IEnumerable<RunningJobStatus> KnownTo(UserId caller) =>
        jobs.Values.Where(entry => entry.IsFor(caller)).OrderBy(entry => entry.Id).Select(entry => entry.ToStatus(time));

    /// <summary>
    /// Ends a job for the caller that asked for it, or for root. False where none runs of that id, or it is another caller's.
    /// </summary>
    public bool Cancel(long id, UserId caller)
    {
        if (!jobs.TryGetValue(id, out Entry? entry) || !entry.IsFor(caller))
            return false;
        entry.Job.End(EndReason.CancelAsked);
        return true;
    }

    /// <summary>Ends all.</summary>
    public void EndAll(EndReason reason)
    {
        AllEnded = true;
        foreach (Entry entry in jobs.Values.ToArray())
            entry.Job.End(reason);
    }

    /// <summary>Ends the jobs that run as a user.</summary>
    public void EndAllOf(Bucket user, EndReason reason)
    {
        foreach (Entry entry in jobs.Values.Where(entry => entry.RunsAs(user)).ToArray())
            entry.Job.End(reason);
    }

    /// <summary>A job among the others.</summary>
    internal sealed class Entry(
        RunningJobs owner, long id, RunningJob job, UserId caller, string name, Account account, ProcessId worker, long begun) : IDisposable
    {
        public RunningJob Job => job;

        /// <summary>Counted from 1 by the first daemon and the ones that take over from it, and given once.</summary>
        public long Id => id;

        /// <summary>Whether a caller may know of it, and end it.</summary>
        public bool IsFor(UserId asking) => asking == UserId.Root || asking == caller;

        /// <summary>Whether it runs as this user.</summary>
        public bool RunsAs(Bucket user) => Bucket.OfAccount(new UserId(account.Uid)) == user;

        public RunningJobStatus ToStatus(TimeProvider time) => new()
        {
            Id = id,
            Job = name,
            Caller = caller.Value,
            User = account.Name,
            Uid = account.Uid,
            Pid = worker.Value,
            Age = TimeSpan.FromSeconds(Math.Round(time.GetElapsedTime(begun).TotalSeconds, 3)),
        };

        public override string ToString() =>
            string.Create(CultureInfo.InvariantCulture, $"{name} as {account.Name} (id {id}, process {worker})");

        public void Dispose()
        {
            owner.jobs.Remove(id);
            job.Dispose();
            owner.Counts.Ended();
        }
    }
}
