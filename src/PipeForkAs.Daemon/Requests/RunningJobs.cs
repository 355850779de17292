using System.Globalization;
using PipeForkAs.Daemon.Callers;
using PipeForkAs.Daemon.Fairness;
using PipeForkAs.Daemon.Forking;
using PipeForkAs.LibC;
using PipeForkAs.Protocol.Client;
using PipeForkAs.Protocol.Worker;

namespace PipeForkAs.Daemon.Requests;

/// <summary>The running jobs, for code that ends them or reports about them.</summary>
internal sealed class RunningJobs(RequestCounts counts, TimeProvider time)
{
    private readonly Dictionary<long, Entry> jobs = [];
    private long lastId;

    /// <summary>The counts of requests.</summary>
    public RequestCounts Counts => counts;

    /// <summary>Whether the daemon is stopping and accepts no new request.</summary>
    public bool Stopping { get; set; }

    /// <summary>Whether all jobs were ended and no job may begin.</summary>
    public bool AllEnded { get; private set; }

    /// <summary>The id of the next job.</summary>
    public long NextId
    {
        get => lastId + 1;
        set => lastId = value - 1;
    }

    /// <summary>The current jobs.</summary>
    public IEnumerable<Entry> All => jobs.Values;

    /// <summary>Adds a job. Disposing the result removes the job and disposes it.</summary>
    public Entry Add(RunningJob job, Caller caller, string name, Account account, ForkedWorker worker)
    {
        var entry = new Entry(this, ++lastId, job, caller.Uid, name, account, worker.Pid, time.GetTimestamp());
        jobs.Add(lastId, entry);
        counts.Begun();
        return entry;
    }

    /// <summary>
    /// Returns the status of the jobs that a caller may know, oldest first. Root may know all jobs; other callers only their own.
    /// </summary>
    public IEnumerable<RunningJobStatus> KnownTo(UserId caller) =>
        jobs.Values.Where(entry => entry.IsFor(caller)).OrderBy(entry => entry.Id).Select(entry => entry.ToStatus(time));

    /// <summary>
    /// Cancels a job for its caller or for root. Returns false if there is no running job with this id, or if it belongs to another caller.
    /// </summary>
    public bool Cancel(long id, UserId caller)
    {
        if (!jobs.TryGetValue(id, out Entry? entry) || !entry.IsFor(caller))
            return false;
        entry.Job.End(EndReason.CancelAsked);
        return true;
    }

    /// <summary>Ends all jobs.</summary>
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

    /// <summary>An entry for one job.</summary>
    internal sealed class Entry(
        RunningJobs owner, long id, RunningJob job, UserId caller, string name, Account account, ProcessId worker, long begun) : IDisposable
    {
        public RunningJob Job => job;

        /// <summary>
        /// The id of the job. Ids start at 1 in the first daemon, continue in the daemons that take over from it, and are never reused.
        /// </summary>
        public long Id => id;

        /// <summary>Whether a caller may know the job and end it.</summary>
        public bool IsFor(UserId asking) => asking == UserId.Root || asking == caller;

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
