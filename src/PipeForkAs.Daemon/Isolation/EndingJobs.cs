using Microsoft.Extensions.Logging;
using PipeForkAs.Daemon.EventLoop;
using PipeForkAs.Daemon.Logging;

namespace PipeForkAs.Daemon.Isolation;

/// <summary>
/// Ends the processes of jobs: looks again and again until nothing is left of each. A look is made on a thread of its own, for all jobs
/// that are due together. The loop's own work depends on the number of jobs, not on the number of processes.
/// </summary>
/// <param name="loop">The loop.</param>
/// <param name="thread">Where the looks are made.</param>
/// <param name="logger">Gets a message about each job that cannot be killed.</param>
/// <param name="prepare">Called on the loop; returns a look, which kills what it finds and says so in each job.</param>
/// <param name="looked">
/// Called on the loop for each job for which a look was made, and did not fail. The number is what <see cref="EndingJob.Asked"/> was
/// before the look.
/// </param>
internal sealed class EndingJobs(
    Loop loop, BackgroundThread thread, ILogger logger, Func<IReadOnlyList<EndingJob>, Action> prepare, Action<EndingJob, int> looked)
{
    /// <summary>How long killed processes may take to be gone. A process in an unkillable sleep may never be.</summary>
    public static readonly TimeSpan Patience = TimeSpan.FromSeconds(5);

    /// <summary>Jobs that end by themselves within this time share a look.</summary>
    private static readonly TimeSpan Gather = TimeSpan.FromMilliseconds(2);

    private static readonly TimeSpan FirstPause = TimeSpan.FromMilliseconds(1);
    private static readonly TimeSpan LongestPause = TimeSpan.FromSeconds(1);

    private readonly Dictionary<JobProcesses, EndingJob> jobs = [];
    private TaskCompletionSource? asleep;
    private bool isRunning;

    /// <summary>Jobs that the log says cannot be killed.</summary>
    private int logged;

    /// <summary>How many jobs are being ended.</summary>
    public int Count => jobs.Count;

    /// <summary>Begins to end a job, or looks once more for one that is being ended.</summary>
    /// <param name="job">Its processes.</param>
    /// <param name="atOnce">Whether the look does not wait for other jobs.</param>
    /// <returns>How often it was asked for since it is being ended.</returns>
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

    /// <summary>
    /// Waits until nothing is left of any but those that the log says cannot be killed, or <see cref="Patience"/> is over.
    /// </summary>
    public Task AllOverAsync() => AllOverAsync(Patience);

    /// <summary>The same, for another time.</summary>
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
#pragma warning disable CA1031 // No descriptors or no memory, mostly. Whatever it is, the jobs must be ended all the same.
        catch (Exception problem)
#pragma warning restore CA1031
        {
            failure = problem.Message;
        }

        TimeSpan took = loop.Time.GetElapsedTime(now);
        for (int i = 0; i < due.Length; i++)
            Conclude(due[i], asked[i], failure);

        // A look that takes long takes no more than half of a processor from jobs that run.
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
            // Others than the time before: they die, and more come.
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
