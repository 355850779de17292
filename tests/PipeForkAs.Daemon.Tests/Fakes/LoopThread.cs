using System.Collections.Concurrent;
using PipeForkAs.Daemon.EventLoop;

namespace PipeForkAs.Daemon.Tests.Fakes;

/// <summary>A loop on its own thread, as in the daemon. Work of a test on it has a timeout.</summary>
internal sealed class LoopThread : IDisposable
{
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(30);

    private readonly Thread thread;
    private bool stopped;

    public LoopThread(TimeProvider? time = null)
    {
        Loop = new Loop(time ?? TimeProvider.System, Failures.Enqueue);
        thread = new Thread(Loop.Run) { IsBackground = true, Name = "loop" };
        thread.Start();
    }

    public Loop Loop { get; }

    public int ThreadId => thread.ManagedThreadId;

    /// <summary>Exceptions of callbacks.</summary>
    public ConcurrentQueue<Exception> Failures { get; } = new();

    /// <summary>Runs a method on the loop and waits for its end.</summary>
    public Task RunAsync(Func<Task> method) => RunAsync(async () =>
    {
        await method();
        return 0;
    });

    /// <summary>Runs a method on the loop and waits for its result.</summary>
    public Task<T> RunAsync<T>(Func<Task<T>> method)
    {
        var result = new TaskCompletionSource<T>(TaskCreationOptions.RunContinuationsAsynchronously);
        Loop.Post(async _ => await CompleteAsync(), null);
        return result.Task.WaitAsync(Limit);

        async Task CompleteAsync()
        {
            try
            {
                result.SetResult(await method());
            }
            catch (Exception failure)
            {
                result.SetException(failure);
            }
        }
    }

    /// <summary>Runs a few statements on the loop.</summary>
    public Task RunAsync(Action action) => RunAsync(() =>
    {
        action();
        return Task.CompletedTask;
    });

    /// <summary>Lets the loop turn until everything that was ready is done.</summary>
    public async Task SettleAsync()
    {
        for (int i = 0; i < 5; i++)
            await RunAsync(() => { });
    }

    /// <summary>Ends the loop; <see cref="Dispose"/> does it if a test does not.</summary>
    public void Stop()
    {
        if (stopped)
            return;
        stopped = true;
        Loop.Stop();
        Assert.True(thread.Join(Limit), "the loop does not end");
        Loop.Dispose();
    }

    public void Dispose() => Stop();
}
