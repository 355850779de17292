using PipeForkAs.Daemon.EventLoop;
using PipeForkAs.Daemon.Tests.Fakes;

namespace PipeForkAs.Daemon.Tests.EventLoop;

public sealed class IdleGarbageCollectionTests : IDisposable
{
    private readonly ManualTime time = new();
    private readonly LoopThread loop;
    private readonly IdleGarbageCollection collection;
    private bool idle = true;
    private long allocated = 100;
    private int collected;

    public IdleGarbageCollectionTests()
    {
        loop = new LoopThread(time);
        collection = new IdleGarbageCollection(loop.Loop, () => idle, () => allocated, () => collected++);
    }

    public void Dispose() => loop.Dispose();

    [Fact]
    public async Task Garbage_of_requests_is_collected_when_the_daemon_is_idle()
    {
        allocated += IdleGarbageCollection.WorthBytes;
        await EndRequestsAsync(3);
        Assert.Equal(0, collected);
        await RestAsync();
        Assert.Equal(1, collected);

        // Without new garbage there is nothing to do.
        await EndRequestsAsync(1);
        await RestAsync();
        Assert.Equal(1, collected);
    }

    [Fact]
    public async Task A_little_garbage_is_not_collected_and_counts_the_next_time()
    {
        allocated += IdleGarbageCollection.WorthBytes - 1;
        await EndRequestsAsync(1);
        await RestAsync();
        Assert.Equal(0, collected);
        allocated++;
        await EndRequestsAsync(1);
        await RestAsync();
        Assert.Equal(1, collected);
    }

    [Fact]
    public async Task Nothing_is_collected_while_there_are_requests()
    {
        allocated += 2 * IdleGarbageCollection.WorthBytes;
        idle = false;
        await EndRequestsAsync(1);
        await RestAsync();
        Assert.Equal(0, collected);
        idle = true;
        await EndRequestsAsync(1);
        await RestAsync();
        Assert.Equal(1, collected);
    }

    private async Task EndRequestsAsync(int count)
    {
        for (int i = 0; i < count; i++)
            await loop.RunAsync(collection.RequestEnded);
    }

    private async Task RestAsync()
    {
        time.Advance(IdleGarbageCollection.Rest);
        await loop.SettleAsync();
    }
}
