using PipeForkAs.Daemon.Configuration;
using PipeForkAs.Daemon.EventLoop;
using PipeForkAs.Daemon.Requests;
using PipeForkAs.Daemon.Tests.Fakes;
using PipeForkAs.LibC;
using PipeForkAs.Protocol.Client;

namespace PipeForkAs.Daemon.Tests.Requests;

public sealed class JobSlotsTests
{
    private static readonly UserId Alice = new(1001), Bob = new(1002);

    [Fact]
    public Task Who_came_first_goes_first_but_for_those_whose_own_jobs_are_in_the_way() => OnLoopAsync(async loop =>
    {
        var slots = new JobSlots(loop, new LimitOptions { MaxJobs = 2, MaxJobsPerUid = 1, MaxQueued = 10, QueueTimeout = TimeSpan.FromMinutes(1) });
        JobSlots.Slot alice = await slots.TakeAsync(Alice, Stay);
        Task<JobSlots.Slot> again = slots.TakeAsync(Alice, Stay).AsTask();
        JobSlots.Slot bob = await slots.TakeAsync(Bob, Stay);
        Assert.Equal((2, 1), (slots.Taken, slots.Waiting));

        bob.Dispose();
        Assert.False(again.IsCompleted);
        alice.Dispose();
        (await again).Dispose();

        Assert.Equal((0, 0), (slots.Taken, slots.Waiting));
    });

    [Fact]
    public Task A_full_queue_refuses_and_one_caller_cannot_fill_it_alone() => OnLoopAsync(async loop =>
    {
        var slots = new JobSlots(loop, new LimitOptions { MaxJobs = 2, MaxJobsPerUid = 2, MaxQueued = 3, QueueTimeout = TimeSpan.FromMinutes(1) });
        JobSlots.Slot[] held = [await slots.TakeAsync(Alice, Stay), await slots.TakeAsync(Alice, Stay)];
        List<Task<JobSlots.Slot>> waiting = [slots.TakeAsync(Alice, Stay).AsTask(), slots.TakeAsync(Alice, Stay).AsTask()];
        Assert.Contains("MaxJobs", (await RefusedAsync(slots, Alice)).Message);
        waiting.Add(slots.TakeAsync(Bob, Stay).AsTask());
        Assert.Equal(ReplyCode.Busy, (await RefusedAsync(slots, Bob)).Code);

        foreach (JobSlots.Slot slot in held)
            slot.Dispose();
        foreach (Task<JobSlots.Slot> turn in waiting)
            (await turn).Dispose();
        Assert.Equal((0, 0), (slots.Taken, slots.Waiting));
    });

    [Fact]
    public Task Whoever_leaves_or_is_late_or_meets_the_stop_takes_no_slot() => OnLoopAsync(async loop =>
    {
        var slots = new JobSlots(loop, new LimitOptions { MaxJobs = 1, MaxQueued = 10, QueueTimeout = TimeSpan.FromMilliseconds(1) });
        JobSlots.Slot held = await slots.TakeAsync(Alice, Stay);
        Assert.Equal(ReplyCode.Busy, (await Assert.ThrowsAsync<RefusedException>(async () => await slots.TakeAsync(Bob, Stay))).Code);
        Assert.Equal(ReplyCode.Cancelled, (await Assert.ThrowsAsync<RefusedException>(async () => await slots.TakeAsync(Bob, left => left()))).Code);
        Task<JobSlots.Slot> waits = slots.TakeAsync(Bob, Stay).AsTask();
        slots.RefuseAll();
        Assert.Equal(ReplyCode.ShuttingDown, (await Assert.ThrowsAsync<RefusedException>(() => waits)).Code);

        held.Dispose();
        Assert.Equal((0, 0), (slots.Taken, slots.Waiting));
    });

    private static async Task OnLoopAsync(Func<Loop, Task> test)
    {
        using var thread = new LoopThread();
        await thread.RunAsync(() => test(thread.Loop));
        Assert.Empty(thread.Failures);
    }

    private static async Task<RefusedException> RefusedAsync(JobSlots slots, UserId caller) =>
        await Assert.ThrowsAsync<RefusedException>(async () => await slots.TakeAsync(caller, Stay));

    private static void Stay(Action leave)
    {
    }
}
