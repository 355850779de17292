using System.Collections.Concurrent;
using PipeForkAs.Daemon.Isolation;
using PipeForkAs.Daemon.Tests.Fakes;
using PipeForkAs.Protocol.Worker;

namespace PipeForkAs.Daemon.Tests.Isolation;

public sealed class EndingJobsTests : IDisposable
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(20);

    private readonly LoopThread loop = new();
    private readonly BackgroundThread side = new("test");
    private readonly LogLines log = new();
    private readonly ConcurrentQueue<JobProcesses[]> looks = new();
    private readonly ConcurrentQueue<(JobProcesses Job, int Asked)> looked = new();

    public void Dispose()
    {
        side.Stop();
        loop.Dispose();
        Assert.Empty(loop.Failures);
    }

    [Fact(Timeout = 30_000)]
    public async Task Jobs_that_end_together_share_a_scan()
    {
        EndingJobs ending = Make(static due => due.ToList().ForEach(static job => job.IsOver = true));
        Job[] jobs = [.. Enumerable.Range(0, 30).Select(static _ => new Job())];

        await loop.RunAsync(() => Array.ForEach(jobs, job => ending.Add(job, atOnce: false)));
        await loop.RunAsync(ending.AllOverAsync);

        // The scan for the first one may begin before the others exist.
        Assert.InRange(looks.Count, 1, 2);
        Assert.Equal(jobs, looks.SelectMany(static look => look));
        Assert.Equal(jobs, looked.Select(static one => one.Job));
        Assert.Empty(log.Lines);
    }

    [Fact(Timeout = 30_000)]
    public async Task A_failing_scan_is_logged_once_and_repeated_until_no_process_is_left()
    {
        int left = 3;
        EndingJobs ending = Make(due =>
        {
            if (left-- > 0)
                throw new InvalidOperationException("no descriptor");
            due[0].IsOver = true;
        });

        await loop.RunAsync(() => ending.Add(new Job(), atOnce: true));
        await loop.RunAsync(ending.AllOverAsync);

        Assert.Equal(4, looks.Count);
        Assert.Single(looked);
        Assert.Contains("no descriptor", Assert.Single(log.Lines));
    }

    [Fact(Timeout = 30_000)]
    public async Task A_job_that_ends_during_a_scan_gets_another_scan()
    {
        using var begun = new SemaphoreSlim(0);
        using var go = new SemaphoreSlim(0);
        EndingJobs ending = Make(due =>
        {
            begun.Release();
            go.Wait();
            due[0].IsOver = true;
        });
        var job = new Job();

        await loop.RunAsync(() => ending.Add(job, atOnce: true));
        await begun.WaitAsync();
        int asked = 0;
        await loop.RunAsync(() => asked = ending.Add(job, atOnce: false));
        go.Release(2);
        await loop.RunAsync(ending.AllOverAsync);

        Assert.Equal(2, asked);
        Assert.Equal([(job, 1), (job, 2)], looked);
    }

    [Fact(Timeout = 30_000)]
    public async Task A_job_that_cannot_be_killed_delays_no_other_and_is_logged_once()
    {
        Job stuck = new(), other = new();
        bool isFree = false;
        EndingJobs ending = Make(due =>
        {
            foreach (EndingJob job in due)
                (job.IsOver, job.Living) = (job.Job != stuck || isFree, job.IsLate ? "7 (D)" : "");
        });

        await loop.RunAsync(() => ending.Add(stuck, atOnce: true));
        bool isTold = SpinWait.SpinUntil(() => log.Lines.Any(static line => line.Contains("7 (D)", StringComparison.Ordinal)), Patience);
        Assert.True(isTold);
        Assert.False(stuck.Gone.IsCompleted);
        await loop.RunAsync(() => ending.Add(other, atOnce: false));
        Assert.True(SpinWait.SpinUntil(() => looked.Any(one => one.Job == other), Patience));
        await loop.RunAsync(ending.AllOverAsync);
        Assert.False(stuck.Gone.IsCompleted);
        isFree = true;
        Assert.True(SpinWait.SpinUntil(() => stuck.Gone.IsCompleted, Patience));
        await loop.RunAsync(ending.AllOverAsync);

        Assert.True(stuck.Gone.IsCompleted && other.Gone.IsCompleted);
        Assert.Equal(2, log.Lines.Count);
        Assert.Contains("have ended", log.Lines.Last());
    }

    private EndingJobs Make(Action<IReadOnlyList<EndingJob>> look) => new(
        loop.Loop, side, log,
        due =>
        {
            looks.Enqueue([.. due.Select(static job => job.Job)]);
            return () => look(due);
        },
        (job, asked) => looked.Enqueue((job.Job, asked)));

    private sealed class Job : JobProcesses
    {
        public override void Place()
        {
        }

        public override WorkerOrder Begin(WorkerOrder order, GroupLimits limits) => order;

        public override IReadOnlyCollection<int> Living() => [];

        public override void WorkerReaped()
        {
        }

        public override void Kill()
        {
        }

        public override void Release(Action mayReap) => mayReap();
    }
}
