using PipeForkAs.Daemon.EventLoop;


namespace PipeForkAs.Daemon.Isolation;

/// <summary>One thread for what takes long or may block, in the order in which it comes: looks at /proc, control groups.</summary>
internal sealed class BackgroundThread
{
    private readonly Queue<Action> work = new();
    private bool stopped;

    /// <param name="name">What it is called in debuggers.</param>
    public BackgroundThread(string name) => new Thread(Run) { Name = name, IsBackground = true }.Start();

    /// <summary>Does something on this thread. A method that awaits it on the <see cref="Loop"/> goes on there.</summary>
    public Task RunAsync(Action action)
    {
        var done = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        Add(() =>
        {
            try
            {
                action();
                done.SetResult();
            }
#pragma warning disable CA1031 // The thread's edge: the caller gets the exception when it awaits the task.
            catch (Exception failure)
#pragma warning restore CA1031
            {
                done.SetException(failure);
            }
        });
        return done.Task;
    }

    /// <summary>Ends the thread once it has done what it was given.</summary>
    public void Stop() => Add(() => stopped = true);

    private void Add(Action action)
    {
        lock (work)
        {
            work.Enqueue(action);
            Monitor.Pulse(work);
        }
    }

    private void Run()
    {
        while (!stopped)
            Next()();
    }

    private Action Next()
    {
        lock (work)
        {
            Action? next;
            while (!work.TryDequeue(out next))
                Monitor.Wait(work);
            return next;
        }
    }
}
