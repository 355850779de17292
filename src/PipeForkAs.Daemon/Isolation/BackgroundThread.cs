using PipeForkAs.Daemon.EventLoop;


namespace PipeForkAs.Daemon.Isolation;

/// <summary>One thread for slow or blocking work, in order: scans of /proc, control groups.</summary>
internal sealed class BackgroundThread
{
    private readonly Queue<Action> work = new();
    private bool stopped;

    /// <param name="name">The name of the thread in debuggers.</param>
    public BackgroundThread(string name) => new Thread(Run) { Name = name, IsBackground = true }.Start();

    /// <summary>Runs an action on this thread. A method that awaits the task on the <see cref="Loop"/> continues on the loop.</summary>
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
#pragma warning disable CA1031 // The edge of the thread: the caller of this method gets the exception when it awaits the task.
            catch (Exception failure)
#pragma warning restore CA1031
            {
                done.SetException(failure);
            }
        });
        return done.Task;
    }

    /// <summary>Ends the thread after the work that it already has.</summary>
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
