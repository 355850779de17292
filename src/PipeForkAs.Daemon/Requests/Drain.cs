using Microsoft.Extensions.Logging;
using PipeForkAs.Daemon.EventLoop;
using PipeForkAs.Daemon.Isolation;
using PipeForkAs.Daemon.Listening;
using PipeForkAs.Daemon.Logging;

namespace PipeForkAs.Daemon.Requests;

/// <summary>
/// Waits, when the daemon stops, until requests have ended. A job that waits for input which its client does not send could hold that up
/// for as long as the client likes: one that has moved nothing for a second, and two looks in a row find waiting for its input (<see
/// cref="InputWait"/>), is ended.
/// </summary>
/// <param name="loop">The loop.</param>
/// <param name="connections">The clients.</param>
/// <param name="running">The jobs.</param>
/// <param name="endsSilent">Whether jobs that wait for silent clients are ended.</param>
/// <param name="logger">The log.</param>
internal sealed class Drain(Loop loop, Connections connections, RunningJobs running, Func<bool> endsSilent, ILogger logger)
{
    private const int MostNamed = 8;

    private static readonly TimeSpan Period = TimeSpan.FromMilliseconds(100);
    private static readonly TimeSpan Silence = TimeSpan.FromSeconds(1);

    /// <summary>How long it waits before the log says for what, again and again, longer each time.</summary>
    private TimeSpan nextWord = TimeSpan.FromSeconds(1);

    private Dictionary<long, Observation> seen = [];
    private Task<Dictionary<long, Observation>>? looking;

    /// <summary>How many requests there are, and their jobs.</summary>
    public static string Requests(int count, RunningJobs running)
    {
        RunningJobs.Entry[] jobs = [.. running.All];
        return (count == 1 ? "1 request" : $"{count} requests") + (jobs.Length == 0 ? " without a job" : $": {Names(jobs)}");
    }

    /// <summary>Waits. False where some are left after that time.</summary>
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

    /// <summary>On a thread of its own, since it may block; one look after another.</summary>
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
    /// Ends the jobs that the last two looks found waiting, where nothing moved and no processor worked for them in between.
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

    /// <summary>What a look saw of a job.</summary>
    /// <param name="Moved">When its streams last moved something; a time stamp of the loop's.</param>
    /// <param name="Ticks">The processor time that it had used; null where it did not wait for input alone.</param>
    private readonly record struct Observation(long Moved, long? Ticks);
}
