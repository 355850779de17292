using Microsoft.Extensions.Logging;
using PipeForkAs.Daemon.EventLoop;
using PipeForkAs.Daemon.Logging;

namespace PipeForkAs.Daemon.Isolation;

/// <summary>
/// Ends the processes of jobs: scans repeatedly until none is left. A separate thread makes one scan for all jobs that are due together.
/// The work on the loop depends on the number of jobs, not on the number of processes.
/// </summary>
/// <param name="loop">The loop.</param>
/// <param name="thread">The thread that makes the scans.</param>
/// <param name="logger">Receives a message about each job that cannot be killed.</param>
/// <param name="prepare">
/// Called on the loop; returns a scan, which kills the processes that it finds and stores the result in each job.
/// </param>
/// <param name="looked">
/// Called on the loop for each job that a scan examined without failure. The number is the value of <see cref="EndingJob.Asked"/> before
/// the scan.
/// </param>
internal sealed class EndingJobs(
    Loop loop, BackgroundThread thread, ILogger logger, Func<IReadOnlyList<EndingJob>, Action> prepare, Action<EndingJob, int> looked)
{
    /// <summary>How long killed processes can take to end. A process in an uninterruptible sleep may never end.</summary>
    public static readonly TimeSpan Patience = TimeSpan.FromSeconds(5);

    /// <summary>Jobs that end by themselves within this time share a scan.</summary>
    private static readonly TimeSpan Gather = TimeSpan.FromMilliseconds(2);

    private static readonly TimeSpan FirstPause = TimeSpan.FromMilliseconds(1);
    private static readonly TimeSpan LongestPause = TimeSpan.FromSeconds(1);

    private readonly Dictionary<JobProcesses, EndingJob> jobs = [];
    private TaskCompletionSource? asleep;
    private bool isRunning;

    /// <summary>The number of jobs that the log says cannot be killed.</summary>
    private int logged;

    /// <summary>The number of jobs that the daemon is ending.</summary>
    public int Count => jobs.Count;

    /// <summary>Begins to end a job, or requests another scan for a job that the daemon is already ending.</summary>
    /// <param name="job">The processes of the job.</param>
    /// <param name="atOnce">Whether the scan does not wait for other jobs.</param>
    /// <returns>The number of requests since the daemon began to end the job.</returns>
    public int Add(JobProcesses job, bool atOnce)
    {
        long now = loop.Time.GetTimestamp();
        if (!jobs.TryGetValue(job, out EndingJob? ending))
            jobs.Add(job, ending = new EndingJob(job) { Begun = job.KilledAt ?? now, Due = long.MaxValue });
        ending.Asked++;
        ending.Pause = FirstPause;
        ending.Due = Math.Min(ending.Due, atOnce ? now : now + Ticks(Gather));
        if (!isRunning)
        {
            isRunning = true;
            loop.Start(RunAsync);
        }
        else
        {
            asleep?.TrySetResult();
        }

        return ending.Asked;
    }

    /// <summary>Waits until only jobs are left that the log says cannot be killed, but at most for <see cref="Patience"/>.</summary>
    public Task AllOverAsync() => AllOverAsync(Patience);

    /// <summary>Like the other overload, for another time.</summary>
    public async Task AllOverAsync(TimeSpan patience)
    {
        long begun = loop.Time.GetTimestamp();
        while (jobs.Count > logged && loop.Time.GetElapsedTime(begun) < patience)
            await loop.DelayAsync(FirstPause);
    }

    private async Task RunAsync()
    {
        try
        {
            while (jobs.Count > 0)
                await LookOrSleepAsync();
        }
        finally
        {
            isRunning = false;
        }
    }

    private async Task LookOrSleepAsync()
    {
        long now = loop.Time.GetTimestamp(), soon = now + Ticks(FirstPause);
        EndingJob[] due = [.. jobs.Values.Where(job => job.Due <= soon)];
        if (due.Length == 0)
        {
            await SleepAsync(jobs.Values.Min(job => job.Due) - now);
            return;
        }

        int[] asked = [.. due.Select(job => job.Asked)];
        foreach (EndingJob job in due)
            (job.IsOver, job.FoundOthers, job.Failure, job.IsLate) =
                (false, false, null, loop.Time.GetElapsedTime(job.Begun) > Patience);
        Action look = prepare(due);
        string? failure = null;
        try
        {
            await thread.RunAsync(look);
        }
#pragma warning disable CA1031 // Usually no descriptors or no memory. The daemon must end the jobs in every case.
        catch (Exception problem)
#pragma warning restore CA1031
        {
            failure = problem.Message;
        }

        TimeSpan took = loop.Time.GetElapsedTime(now);
        for (int i = 0; i < due.Length; i++)
            Conclude(due[i], asked[i], failure);

        // A slow scan takes at most half of a processor from running jobs.
        if (took > FirstPause)
            await loop.DelayAsync(took < LongestPause ? took : LongestPause);
    }

    private void Conclude(EndingJob job, int asked, string? failure)
    {
        failure ??= job.Failure;
        if (failure is not null && failure != job.LoggedFailure)
            Log.KillFailed(logger, $"{job.Job}", failure);
        job.LoggedFailure = failure;
        bool isOver = failure is null && job.IsOver;
        if (isOver && job.Asked == asked)
        {
            jobs.Remove(job.Job);
            job.Job.MarkGone();
            if (job.IsLogged)
                Log.UnkillableEnded(logger, $"{job.Job}", --logged);
        }
        else
        {
            // Other processes than in the previous scan: they die, and new ones start.
            if (!isOver && job.IsLate && !job.FoundOthers && !job.IsLogged)
            {
                job.IsLogged = true;
                Log.JobUnkillable(logger, $"{job.Job}", job.Living, ++logged);
            }

            TimeSpan pause = job.FoundOthers || isOver ? FirstPause : job.Pause;
            job.Due = loop.Time.GetTimestamp() + Ticks(pause);
            job.Pause = pause * 2 < LongestPause ? pause * 2 : LongestPause;
        }

        if (failure is null)
            looked(job, asked);
        else
            job.Job.MarkExamined();
    }

    private async Task SleepAsync(long ticks)
    {
        asleep = new TaskCompletionSource();
        var time = TimeSpan.FromSeconds((double)ticks / loop.Time.TimestampFrequency);
        using LoopTimer timer = loop.Schedule(time, () => asleep.TrySetResult());
        await asleep.Task;
        asleep = null;
    }

    private long Ticks(TimeSpan time) => (long)(time.TotalSeconds * loop.Time.TimestampFrequency);
}
