using Microsoft.Extensions.Logging;
using PipeForkAs.Daemon.EventLoop;
using PipeForkAs.Daemon.Isolation;
using PipeForkAs.Daemon.Listening;
using PipeForkAs.Daemon.Logging;

namespace PipeForkAs.Daemon.Requests;

/// <summary>
/// Waits for requests to end when the daemon stops. A job that waits for input from an idle caller could delay the stop for as long as the
/// caller wants. Therefore the daemon cancels a job if its streams moved nothing for 1 s and two consecutive checks find it waiting for its
/// input (<see cref="InputWait"/>).
/// </summary>
/// <param name="loop">The loop.</param>
/// <param name="connections">The connections.</param>
/// <param name="running">The running jobs.</param>
/// <param name="endsSilent">Returns whether to cancel jobs that wait for idle callers.</param>
/// <param name="logger">The log.</param>
internal sealed class Drain(Loop loop, Connections connections, RunningJobs running, Func<bool> endsSilent, ILogger logger)
{
    private const int MostNamed = 8;

    private static readonly TimeSpan Period = TimeSpan.FromMilliseconds(100);
    private static readonly TimeSpan Silence = TimeSpan.FromSeconds(1);

    /// <summary>The time until the next log message about what the drain waits for. It grows after each message.</summary>
    private TimeSpan nextWord = TimeSpan.FromSeconds(1);

    private Dictionary<long, Observation> seen = [];
    private Task<Dictionary<long, Observation>>? looking;

    /// <summary>Returns the number of requests and names their jobs, as text.</summary>
    public static string Requests(int count, RunningJobs running)
    {
        RunningJobs.Entry[] jobs = [.. running.All];
        return (count == 1 ? "1 request" : $"{count} requests") + (jobs.Length == 0 ? " without a job" : $": {Names(jobs)}");
    }

    /// <summary>Waits until all requests have ended. Returns false if some are left when the timeout expires.</summary>
    public async Task<bool> WaitAsync(TimeSpan timeout)
    {
        long begun = loop.Time.GetTimestamp();
        while (true)
        {
            TimeSpan elapsed = loop.Time.GetElapsedTime(begun);
            if (elapsed >= timeout)
                return connections.Count == 0;
            if (looking is { IsCompleted: true })
                EndSilent();
            if (endsSilent())
                Look();
            LogWaiting(elapsed);
            if (await connections.AllEndedAsync(timeout - elapsed < Period ? timeout - elapsed : Period))
                return true;
        }
    }

    /// <summary>Starts a check on its own thread, because it may block. Only one check runs at a time.</summary>
    private void Look()
    {
        if (looking is not null)
            return;
        (long Id, long Moved, RunningJob Job)[] silent = [.. running.All
            .Where(entry => entry.Job.Reason == EndReason.None && loop.Time.GetElapsedTime(entry.Job.LastMoved) >= Silence)
            .Select(static entry => (entry.Id, entry.Job.LastMoved, entry.Job))];
        if (silent.Length == 0)
            return;
        looking = Task.Factory.StartNew(
            () => silent.Select(static job => (job.Id, Observation: new Observation(job.Moved, job.Job.LookForInputWait())))
                .Where(static job => job.Observation.Ticks is not null).ToDictionary(static job => job.Id, static job => job.Observation),
            CancellationToken.None, TaskCreationOptions.LongRunning, TaskScheduler.Default);
    }

    /// <summary>
    /// Ends the jobs that the last two checks found waiting, if between the checks nothing moved and the job used no processor time.
    /// </summary>
    private void EndSilent()
    {
        Task<Dictionary<long, Observation>> done = looking!;
        looking = null;
        if (!done.IsCompletedSuccessfully)
        {
            Log.LoopBroke(logger, done.Exception!);
            seen = [];
            return;
        }

        Dictionary<long, Observation> now = done.Result;
        RunningJobs.Entry[] ended = [.. running.All.Where(entry =>
            now.TryGetValue(entry.Id, out Observation sight) && seen.TryGetValue(entry.Id, out Observation former)
                && sight == former && sight.Moved == entry.Job.LastMoved)];
        seen = now;
        if (ended.Length == 0)
            return;
        Log.DrainEndsSilent(logger, Names(ended));
        foreach (RunningJobs.Entry entry in ended)
            entry.Job.End(EndReason.ShuttingDown);
    }

    private void LogWaiting(TimeSpan elapsed)
    {
        if (elapsed < nextWord)
            return;
        nextWord *= 4;
        Log.DrainWaits(logger, Requests(connections.Count, running));
    }

    private static string Names(RunningJobs.Entry[] entries) =>
        string.Join(", ", entries.Take(MostNamed).Select(static entry => entry.ToString()))
        + (entries.Length > MostNamed ? $" and {entries.Length - MostNamed} more" : "");

    /// <summary>The result of checking one job.</summary>
    /// <param name="Moved">The time when its streams last moved something, as a timestamp of the loop.</param>
    /// <param name="Ticks">The processor time that the job had used; null if the job did not only wait for its input.</param>
    private readonly record struct Observation(long Moved, long? Ticks);
}
