using PipeForkAs.Daemon.Callers;
using PipeForkAs.Daemon.Configuration;
using PipeForkAs.Daemon.EventLoop;
using PipeForkAs.Daemon.Fairness;
using PipeForkAs.Daemon.Isolation;
using PipeForkAs.Daemon.Requests;
using PipeForkAs.Daemon.Tests.Fakes;
using PipeForkAs.LibC;
using PipeForkAs.Protocol.Client;

namespace PipeForkAs.Daemon.Tests.Requests;

public sealed class JobSlotsTests
{

    [Fact]
    public Task The_first_request_gets_the_first_slot_unless_its_own_jobs_exceed_the_limit() => OnLoopAsync(async loop =>
    {
        JobSlots slots = Slots(loop, new LimitOptions { MaxJobs = 2, MaxJobsPerUid = 1, MaxQueued = 10 });
        JobSlots.Slot alice = await slots.TakeAsync(TestCallers.Alice, Stay);
        Task<JobSlots.Slot> again = slots.TakeAsync(TestCallers.Alice, Stay).AsTask();
        JobSlots.Slot bob = await slots.TakeAsync(TestCallers.Bob, Stay);
        Assert.Equal((2, 1), (slots.Taken, slots.Queued));

        bob.Dispose();
        Assert.False(again.IsCompleted);
        alice.Dispose();
        (await again).Dispose();

        Assert.Equal((0, 0), (slots.Taken, slots.Queued));
    });

    [Fact]
    public Task A_job_with_leftover_processes_counts_for_its_user_until_they_end() => OnLoopAsync(async loop =>
    {
        JobSlots slots = Slots(
            loop, new LimitOptions { MaxJobs = 1, MaxJobsPerUid = 1, MaxQueued = 10, QueueTimeout = TimeSpan.FromSeconds(20) });
        var gone = new TaskCompletionSource();
        JobSlots.Slot slot = await slots.TakeAsync(TestCallers.Bob, Stay);
        slot.KeepFor(TestCallers.Alice, new Leftovers(gone.Task, Task.CompletedTask));
        slot.Dispose();
        Assert.Equal(1, slots.Taken);

        // The caller is another user and gets a slot again after a short time, like others but unlike the target user.
        (await slots.TakeAsync(TestCallers.Bob, Stay)).Dispose();
        Task<JobSlots.Slot> alice = slots.TakeAsync(TestCallers.Alice, Stay).AsTask();
        (await slots.TakeAsync(TestCallers.Carol, Stay)).Dispose();
        Assert.False(alice.IsCompleted);
        gone.SetResult();
        (await alice).Dispose();
        Assert.Equal((0, 0), (slots.Taken, slots.Queued));
    });

    /// <summary>
    /// A scan of thousands of processes takes longer than the patience with killed processes. It must not turn jobs that left nothing into
    /// a refusal of the next ones.
    /// </summary>
    [Fact]
    public Task A_job_that_was_not_examined_keeps_its_slot_and_does_not_count_for_its_user() => OnLoopAsync(async loop =>
    {
        var unkillable = new UnkillableJobs(loop);
        var options = new DaemonOptions { Limits = { MaxJobs = 1, QueueTimeout = TimeSpan.FromSeconds(20) } };
        var slots = new JobSlots(loop, new FairTurns(loop), unkillable, new CurrentConfiguration(options));
        var (gone, examined) = (new TaskCompletionSource(), new TaskCompletionSource());
        JobSlots.Slot slot = await slots.TakeAsync(TestCallers.Bob, Stay);
        slot.KeepFor(TestCallers.Alice, new Leftovers(gone.Task, examined.Task));
        slot.Dispose();

        Task<JobSlots.Slot> next = slots.TakeAsync(TestCallers.Bob, Stay).AsTask();
        await loop.DelayAsync(2 * UnkillableJobs.Patience);
        Assert.False(next.IsCompleted);
        Assert.Equal(0, unkillable.Of(TestCallers.Alice));

        examined.SetResult();
        JobSlots.Slot second = await next;
        Assert.Equal(1, unkillable.Of(TestCallers.Alice));
        gone.SetResult();
        second.Dispose();
        await loop.DelayAsync(TimeSpan.FromMilliseconds(1));
        Assert.Equal((0, 0, 0), (unkillable.Of(TestCallers.Alice), slots.Taken, slots.Queued));
    });

    [Fact]
    public Task A_full_queue_refuses_and_one_caller_cannot_fill_it_alone() => OnLoopAsync(async loop =>
    {
        JobSlots slots = Slots(loop, new LimitOptions { MaxJobs = 2, MaxJobsPerUid = 2, MaxQueued = 3 });
        JobSlots.Slot[] held = [await slots.TakeAsync(TestCallers.Alice, Stay), await slots.TakeAsync(TestCallers.Alice, Stay)];
        List<Task<JobSlots.Slot>> waiting = [
            slots.TakeAsync(TestCallers.Alice, Stay).AsTask(), slots.TakeAsync(TestCallers.Alice, Stay).AsTask()];
        Assert.Contains("MaxJobs", (await RefusedAsync(slots, TestCallers.Alice)).Message);
        waiting.Add(slots.TakeAsync(TestCallers.Bob, Stay).AsTask());
        Assert.Equal(ReplyCode.Busy, (await RefusedAsync(slots, TestCallers.Bob)).Code);

        foreach (JobSlots.Slot slot in held)
            slot.Dispose();
        foreach (Task<JobSlots.Slot> turn in waiting)
            (await turn).Dispose();
        Assert.Equal((0, 0), (slots.Taken, slots.Queued));
    });

    [Fact]
    public Task Buckets_that_wait_get_slots_in_turn() => OnLoopAsync(async loop =>
    {
        JobSlots slots = Slots(loop, new LimitOptions { MaxJobs = 1, MaxJobsPerUid = 10, MaxQueued = 20 });
        JobSlots.Slot held = await slots.TakeAsync(TestCallers.Alice, Stay);
        var order = new List<string>();
        Task[] all =
        [
            .. Enumerable.Range(1, 5).Select(i => PassAsync(TestCallers.Alice, $"a{i}")),
            PassAsync(TestCallers.Bob, "b1"), PassAsync(TestCallers.Bob, "b2"), PassAsync(TestCallers.Carol, "c1"),
        ];
        held.Dispose();
        await Task.WhenAll(all);
        Assert.Equal(["a1", "b1", "c1", "a2", "b2", "a3", "a4", "a5"], order);

        async Task PassAsync(Bucket bucket, string name)
        {
            using JobSlots.Slot slot = await slots.TakeAsync(bucket, Stay);
            order.Add(name);
        }
    });

    [Fact]
    public Task In_a_full_queue_the_bucket_with_the_most_requests_loses_one() => OnLoopAsync(async loop =>
    {
        JobSlots slots = Slots(loop, new LimitOptions { MaxJobs = 1, MaxJobsPerUid = 10, MaxQueued = 4 });
        JobSlots.Slot held = await slots.TakeAsync(TestCallers.Carol, Stay);
        Task<JobSlots.Slot>[] alice = [.. Enumerable.Range(0, 4).Select(_ => slots.TakeAsync(TestCallers.Alice, Stay).AsTask())];
        Task<JobSlots.Slot> bob = slots.TakeAsync(TestCallers.Bob, Stay).AsTask();

        Assert.Equal(ReplyCode.Busy, (await Assert.ThrowsAsync<RefusedException>(() => alice[3])).Code);
        Assert.False(bob.IsCompleted);
        Assert.Equal(ReplyCode.Busy, (await RefusedAsync(slots, TestCallers.Alice)).Code);
        held.Dispose();
        (await alice[0]).Dispose();
        (await bob).Dispose();
    });

    [Fact]
    public Task Root_has_reserved_slots() => OnLoopAsync(async loop =>
    {
        JobSlots slots = Slots(loop, new LimitOptions { MaxJobs = 2, RootReserve = 1, MaxQueued = 0 });
        JobSlots.Slot[] held = [await slots.TakeAsync(TestCallers.Alice, Stay), await slots.TakeAsync(TestCallers.Bob, Stay)];
        Assert.Contains("MaxJobs", (await RefusedAsync(slots, TestCallers.Bob)).Message);

        JobSlots.Slot root = await slots.TakeAsync(Bucket.Root, Stay);
        Assert.Contains("MaxJobs", (await RefusedAsync(slots, Bucket.Root)).Message);
        held[0].Dispose();
        Assert.Contains("MaxJobs", (await RefusedAsync(slots, TestCallers.Bob)).Message);
        root.Dispose();
        (await slots.TakeAsync(TestCallers.Bob, Stay)).Dispose();
    });

    [Fact]
    public Task A_cancelled_or_late_request_takes_no_slot_and_a_stop_refuses_it() => OnLoopAsync(async loop =>
    {
        JobSlots slots = Slots(loop, new LimitOptions { MaxJobs = 1, MaxQueued = 10, QueueTimeout = TimeSpan.FromMilliseconds(1) });
        JobSlots.Slot held = await slots.TakeAsync(TestCallers.Alice, Stay);
        Assert.Equal(ReplyCode.Busy, (await RefusedAsync(slots, TestCallers.Bob)).Code);
        var left = await Assert.ThrowsAsync<RefusedException>(async () => await slots.TakeAsync(TestCallers.Bob, leave => leave()));
        Assert.Equal(ReplyCode.Cancelled, left.Code);
        Task<JobSlots.Slot> waits = slots.TakeAsync(TestCallers.Bob, Stay).AsTask();
        slots.RefuseAll();
        Assert.Equal(ReplyCode.ShuttingDown, (await Assert.ThrowsAsync<RefusedException>(() => waits)).Code);

        held.Dispose();
        Assert.Equal((0, 0), (slots.Taken, slots.Queued));
    });

    private static JobSlots Slots(Loop loop, LimitOptions limits)
    {
        if (limits.QueueTimeout == new LimitOptions().QueueTimeout)
            limits.QueueTimeout = TimeSpan.FromMinutes(1);
        return new JobSlots(
            loop, new FairTurns(loop), new UnkillableJobs(loop), new CurrentConfiguration(new DaemonOptions { Limits = limits }));
    }

    private static async Task OnLoopAsync(Func<Loop, Task> test)
    {
        using var thread = new LoopThread();
        await thread.RunAsync(() => test(thread.Loop));
        Assert.Empty(thread.Failures);
    }

    private static async Task<RefusedException> RefusedAsync(JobSlots slots, Bucket caller) =>
        await Assert.ThrowsAsync<RefusedException>(async () => await slots.TakeAsync(caller, Stay));

    private static void Stay(Action leave)
    {
    }
}
