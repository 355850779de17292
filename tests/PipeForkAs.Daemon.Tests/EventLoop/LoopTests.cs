using System.Collections.Concurrent;
using PipeForkAs.Daemon.EventLoop;
using PipeForkAs.Daemon.Tests.Fakes;
using PipeForkAs.LibC;

namespace PipeForkAs.Daemon.Tests.EventLoop;

public sealed class LoopTests
{
    [Fact]
    public async Task Callbacks_from_other_threads_run_on_the_loop_in_the_order_of_each_thread()
    {
        using var thread = new LoopThread();
        const int Threads = 8, Each = 2_000;
        var seen = new List<(int Thread, int Number, int On)>();
        Parallel.For(0, Threads, new ParallelOptions { MaxDegreeOfParallelism = Threads }, number =>
        {
            for (int i = 0; i < Each; i++)
            {
                int item = i;
                thread.Loop.Post(_ => seen.Add((number, item, Environment.CurrentManagedThreadId)), null);
            }
        });
        await thread.RunAsync(() => { });

        Assert.Equal(Threads * Each, seen.Count);
        Assert.All(seen, item => Assert.Equal(thread.ThreadId, item.On));
        Assert.All(seen.GroupBy(item => item.Thread), items => Assert.Equal(Enumerable.Range(0, Each), items.Select(item => item.Number)));
    }

    [Fact]
    public async Task A_callback_that_throws_is_reported_and_the_loop_continues()
    {
        using var thread = new LoopThread();
        thread.Loop.Post(_ => throw new InvalidOperationException("posted"), null);
        await thread.RunAsync(() => thread.Loop.Schedule(TimeSpan.Zero, () => throw new InvalidOperationException("timer")));
        await thread.RunAsync(() => thread.Loop.DelayAsync(TimeSpan.FromMilliseconds(20)));

        Assert.Equal(["posted", "timer"], thread.Failures.Select(failure => failure.Message));
    }

    [Fact]
    public async Task A_watch_callback_that_throws_is_reported_and_the_loop_continues()
    {
        using var thread = new LoopThread();
        (FileDescriptor read, FileDescriptor write) = NonblockingPipe();
        await thread.RunAsync(
            () => thread.Loop.Watch(read, EpollEvents.EPOLLIN, hungUp: () => throw new InvalidOperationException("hung up")));
        write.Dispose();
        await thread.RunAsync(() => thread.Loop.DelayAsync(TimeSpan.FromMilliseconds(20)));

        Assert.Equal(["hung up"], thread.Failures.Select(failure => failure.Message));
    }

    [Fact]
    public async Task Timers_fire_in_the_order_of_their_due_times()
    {
        var time = new ManualTime();
        using var thread = new LoopThread(time);
        var fired = new List<int>();
        await thread.RunAsync(() =>
        {
            foreach (int delay in new[] { 5, 1, 4, 2, 3 })
                thread.Loop.Schedule(TimeSpan.FromSeconds(delay), () => fired.Add(delay));
        });

        time.Advance(TimeSpan.FromSeconds(3));
        await thread.SettleAsync();
        Assert.Equal([1, 2, 3], fired);
        time.Advance(TimeSpan.FromSeconds(2));
        await thread.SettleAsync();
        Assert.Equal([1, 2, 3, 4, 5], fired);
    }

    [Fact]
    public async Task A_timer_never_fires_early_and_a_cancelled_timer_never_fires()
    {
        var time = new ManualTime();
        using var thread = new LoopThread(time);
        int fired = 0;
        LoopTimer? taken = null;
        await thread.RunAsync(() =>
        {
            thread.Loop.Schedule(TimeSpan.FromSeconds(1), () => fired++);
            taken = thread.Loop.Schedule(TimeSpan.FromSeconds(1), () => fired += 100);
        });
        time.Advance(TimeSpan.FromMilliseconds(999));
        await thread.SettleAsync();
        Assert.Equal(0, fired);

        await thread.RunAsync(taken!.Dispose);
        await thread.RunAsync(taken.Dispose);
        time.Advance(TimeSpan.FromHours(1));
        await thread.SettleAsync();
        Assert.Equal(1, fired);
    }

    [Fact]
    public async Task A_timer_that_restarts_itself_at_once_does_not_block_the_loop()
    {
        var time = new ManualTime();
        using var thread = new LoopThread(time);
        int fired = 0;
        await thread.RunAsync(Again);
        await thread.SettleAsync();
        Assert.InRange(fired, 1, int.MaxValue);

        void Again() => thread.Loop.Schedule(TimeSpan.Zero, () =>
        {
            fired++;
            Again();
        });
    }

    [Fact]
    public async Task A_timer_in_the_far_future_does_not_overflow()
    {
        using var thread = new LoopThread();
        bool fired = false;
        await thread.RunAsync(() => thread.Loop.Schedule(TimeSpan.MaxValue, () => fired = true));
        await thread.RunAsync(() => thread.Loop.DelayAsync(TimeSpan.FromMilliseconds(20)));
        Assert.False(fired);
    }

    [Fact]
    public async Task An_edge_without_a_waiter_is_remembered()
    {
        using var thread = new LoopThread();
        (FileDescriptor read, FileDescriptor write) = NonblockingPipe();
        using (read)
        using (write)
        {
            Watch? watch = null;
            await thread.RunAsync(() => watch = thread.Loop.Watch(read, EpollEvents.EPOLLIN));
            Libc.write(write, [1]);
            await thread.SettleAsync();

            Assert.True(await thread.RunAsync(async () => await watch!.ReadableAsync()));
            await thread.RunAsync(watch!.Dispose);
        }
    }

    [Fact]
    public async Task Waits_for_reading_and_writing_are_independent()
    {
        using var thread = new LoopThread();
        using var pair = new ConnectedPair();
        Watch? watch = null;
        Task<bool>? readable = null;
        await thread.RunAsync(async () =>
        {
            watch = thread.Loop.Watch(pair.Accepted, EpollEvents.EPOLLIN | EpollEvents.EPOLLOUT);
            readable = WaitAsync(watch);
            Assert.True(await watch.WritableAsync());
        });
        Assert.False(readable!.IsCompleted);

        pair.Client.Send([1]);
        Assert.True(await thread.RunAsync(() => readable));
        await thread.RunAsync(watch!.Dispose);
    }

    [Fact]
    public async Task Disposing_a_watch_ends_current_and_later_waits_with_false()
    {
        using var thread = new LoopThread();
        using var pair = new ConnectedPair();
        await thread.RunAsync(async () =>
        {
            Watch watch = thread.Loop.Watch(pair.Accepted, EpollEvents.EPOLLIN);
            Task<bool> waiting = WaitAsync(watch);
            watch.Dispose();
            Assert.True(waiting.IsCompleted);
            Assert.False(await waiting);
            Assert.False(await watch.ReadableAsync());
            Assert.False(await watch.WritableAsync());
            watch.Dispose();
        });
    }

    [Fact]
    public async Task A_second_wait_for_the_same_direction_throws_and_the_first_continues()
    {
        using var thread = new LoopThread();
        using var pair = new ConnectedPair();
        await thread.RunAsync(async () =>
        {
            using Watch watch = thread.Loop.Watch(pair.Accepted, EpollEvents.EPOLLIN);
            Task<bool> first = WaitAsync(watch);
            await Assert.ThrowsAsync<InvalidOperationException>(() => WaitAsync(watch));
            pair.Client.Send([1]);
            Assert.True(await first);
        });
    }

    [Fact]
    public async Task An_event_of_a_former_watch_does_not_reach_the_new_watch_in_its_slot()
    {
        using var thread = new LoopThread();
        using var first = new ConnectedPair();
        using var second = new ConnectedPair();
        using var third = new ConnectedPair();
        await thread.RunAsync(async () =>
        {
            // Both have events in the same round. The first one disposes the other, and the new watch takes its slot.
            Watch? one = thread.Loop.Watch(first.Accepted, EpollEvents.EPOLLIN);
            Watch? other = thread.Loop.Watch(second.Accepted, EpollEvents.EPOLLIN);
            var replaced = new TaskCompletionSource<Watch>();
            _ = ReplaceAsync(one, other);
            _ = ReplaceAsync(other, one);
            first.Client.Send([1]);
            second.Client.Send([1]);
            using Watch fresh = await replaced.Task;
            Task<bool> waiting = WaitAsync(fresh);
            await thread.Loop.DelayAsync(TimeSpan.FromMilliseconds(20));
            Assert.False(waiting.IsCompleted);

            third.Client.Send([1]);
            Assert.True(await waiting);
            one.Dispose();
            other.Dispose();

            async Task ReplaceAsync(Watch mine, Watch theirs)
            {
                if (!await mine.ReadableAsync() || replaced.Task.IsCompleted)
                    return;
                theirs.Dispose();
                Watch made = thread.Loop.Watch(third.Accepted, EpollEvents.EPOLLIN);
                Assert.Equal(theirs.Slot, made.Slot);
                replaced.SetResult(made);
            }
        });
        Assert.Empty(thread.Failures);
    }

    [Fact]
    public async Task A_closed_peer_is_reported_once()
    {
        using var thread = new LoopThread();
        using var pair = new ConnectedPair();
        int told = 0;
        Watch? watch = null;
        const EpollEvents Interest = EpollEvents.EPOLLIN | EpollEvents.EPOLLOUT | EpollEvents.EPOLLRDHUP;
        await thread.RunAsync(() => { watch = thread.Loop.Watch(pair.Accepted, Interest, hungUp: () => told++); });
        pair.Client.Shutdown(System.Net.Sockets.SocketShutdown.Send);
        await thread.SettleAsync();
        Assert.Equal((0, false), (told, watch!.IsHungUp));

        pair.Client.Dispose();
        await thread.RunAsync(() => thread.Loop.DelayAsync(TimeSpan.FromMilliseconds(20)));
        Assert.Equal((1, true), (told, watch.IsHungUp));
        await thread.RunAsync(watch.Dispose);
    }

    [Fact]
    public async Task A_continuation_runs_on_the_loop_even_if_another_thread_completed_the_task()
    {
        using var thread = new LoopThread();
        var on = new ConcurrentQueue<int>();
        await thread.RunAsync(async () =>
        {
            on.Enqueue(Environment.CurrentManagedThreadId);
            await Task.Run(() => Thread.Sleep(1));
            on.Enqueue(Environment.CurrentManagedThreadId);
            await Task.Yield();
            on.Enqueue(Environment.CurrentManagedThreadId);
            await thread.Loop.DelayAsync(TimeSpan.FromMilliseconds(1));
            on.Enqueue(Environment.CurrentManagedThreadId);
            await Task.Factory.StartNew(
                () => Thread.Sleep(1), CancellationToken.None, TaskCreationOptions.LongRunning, TaskScheduler.Default);
            on.Enqueue(Environment.CurrentManagedThreadId);
            Assert.Same(thread.Loop, SynchronizationContext.Current);
        });
        Assert.All(on, id => Assert.Equal(thread.ThreadId, id));
        Assert.Equal(5, on.Count);
    }

    [Fact]
    public void Posting_to_a_loop_that_has_ended_is_harmless()
    {
        var thread = new LoopThread();
        thread.Stop();
        using FileDescriptor reused = Libc.eventfd();
        thread.Loop.Post(_ => Assert.Fail("it has ended"), null);
        thread.Loop.Stop();

        // Another file may already have the number of the closed descriptor.
        Assert.True(Libc.read(reused, new byte[8]).WouldBlock);
    }

    [Fact]
    public void A_loop_can_be_stopped_while_it_waits_and_before_it_runs()
    {
        using (var thread = new LoopThread())
        {
            Thread.Sleep(10);
            thread.Stop();
        }

        using var loop = new Loop(TimeProvider.System, _ => { });
        loop.Stop();
        loop.Run();
    }

    [Fact]
    public void Send_to_the_loop_is_not_supported()
    {
        using var loop = new Loop(TimeProvider.System, _ => { });
        Assert.Throws<NotSupportedException>(() => loop.Send(_ => { }, null));
        Assert.Same(loop, loop.CreateCopy());
    }

    [Fact]
    public async Task A_descriptor_that_cannot_be_watched_uses_no_slot()
    {
        using var thread = new LoopThread();
        using FileDescriptor file = Libc.open("/etc/passwd", OpenFlags.O_RDONLY);
        using var pair = new ConnectedPair();
        await thread.RunAsync(() =>
        {
            Assert.Throws<SystemCallException>(() => thread.Loop.Watch(file, EpollEvents.EPOLLIN));
            using Watch first = thread.Loop.Watch(pair.Accepted, EpollEvents.EPOLLIN);
            Assert.Equal(0, first.Slot);
        });
    }

    private static async Task<bool> WaitAsync(Watch watch) => await watch.ReadableAsync();

    private static (FileDescriptor Read, FileDescriptor Write) NonblockingPipe()
    {
        (FileDescriptor read, FileDescriptor write) = Libc.pipe2();
        Libc.set_nonblocking(read);
        Libc.set_nonblocking(write);
        return (read, write);
    }
}
