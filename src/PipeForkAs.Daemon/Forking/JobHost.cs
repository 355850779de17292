using System.Text.Json;
using Microsoft.Extensions.Logging;
using PipeForkAs.Daemon.Configuration;
using PipeForkAs.Daemon.EventLoop;
using PipeForkAs.Daemon.Isolation;
using PipeForkAs.LibC;
using PipeForkAs.Protocol;
using PipeForkAs.Protocol.Client;
using PipeForkAs.Protocol.Worker;

namespace PipeForkAs.Daemon.Forking;

/// <summary>
/// A job host: the process that holds job functions and forks workers, and the workers that wait for requests. When it dies it is
/// started again; requests that ran in its workers end with <c>host-lost</c>, those that still waited for a worker go on waiting.
/// </summary>
internal sealed class JobHost
{
    private static readonly TimeSpan StartTimeout = TimeSpan.FromSeconds(60);
    private static readonly TimeSpan StopGrace = TimeSpan.FromSeconds(2);
    private static readonly TimeSpan RefillPause = TimeSpan.FromMilliseconds(100);
    private static readonly TimeSpan LongestPause = TimeSpan.FromSeconds(10);

    private readonly Loop loop;
    private readonly ChildReaper reaper;
    private readonly JobHostOptions options;
    private readonly ILogger logger;
    private readonly byte[] incoming = new byte[2 * WorkerProtocol.DefaultBufferBytes];
    private readonly MessageWriter writer = new(64);
    private readonly Queue<ForkedWorker> ready = new();
    private readonly LinkedList<TaskCompletionSource<ForkedWorker>> waiting = new();
    private readonly Dictionary<int, ForkedWorker> workers = [];
    private readonly Queue<byte[]> unsent = new();
    private List<JobDescription> offered = [];
    private JobIsolation isolation = null!; // From the start on.
    private HostProcess? process;
    private int forksAsked;
    private int failedStarts;
    private bool refillPaused, stopped;

    public JobHost(Loop loop, ChildReaper reaper, JobHostOptions options, ILogger logger)
    {
        this.loop = loop;
        this.reaper = reaper;
        this.options = options;
        this.logger = logger;
    }

    /// <summary>The executable.</summary>
    public string Path => options.Path;

    /// <summary>The jobs that it holds.</summary>
    public IReadOnlyList<JobDescription> Jobs { get; private set; } = [];

    /// <summary>Called when it started again: its jobs may be others now.</summary>
    public Action? JobsChanged { get; set; }

    /// <summary>Starts it and waits until it can fork.</summary>
    /// <exception cref="JobHostException">It cannot serve; the message says why.</exception>
    public async Task StartAsync(JobIsolation jobIsolation)
    {
        isolation = jobIsolation;
        var started = new TaskCompletionSource();
        Spawn(started);
        await started.Task;
    }

    /// <summary>A worker that waits for its order: one that was forked in advance, else one that is forked now.</summary>
    /// <exception cref="JobHostException">The fork failed, or took too long.</exception>
    public async ValueTask<ForkedWorker> TakeAsync(TimeSpan timeout)
    {
        while (ready.TryDequeue(out ForkedWorker? idle))
        {
            if (idle.Ended.IsCompleted)
                idle.Release();
            else
                return Given(idle);
        }

        var taken = new TaskCompletionSource<ForkedWorker>();
        LinkedListNode<TaskCompletionSource<ForkedWorker>> place = waiting.AddLast(taken);
        using LoopTimer deadline = loop.Schedule(timeout, () =>
        {
            if (place.List is not null)
                waiting.Remove(place);
            taken.TrySetException(new JobHostException($"no worker was forked within {timeout.TotalSeconds:0.###} s; the job host {Path} does not answer"));
        });
        AskForForks();
        return await taken.Task;
    }

    /// <summary>Ends it and its workers, and waits for that a short time before it is killed.</summary>
    public async Task StopAsync()
    {
        stopped = true;
        while (ready.TryDequeue(out ForkedWorker? idle))
            idle.Release();
        if (process is not { } current)
            return;
        current.Close();
        await Task.WhenAny(current.Ended, loop.DelayAsync(StopGrace));
        current.Dispose();
        await Task.WhenAny(current.Ended, loop.DelayAsync(StopGrace));
    }

    /// <summary>A worker is done with: the job host may reap it.</summary>
    internal void Release(ForkedWorker worker)
    {
        if (workers.Remove(worker.Pid.Value) && process is { Control.IsClosed: false })
        {
            reaper.Forget(worker.Pid);
            new Reap(worker.Pid.Value).Encode(writer);
            Send(writer.Written);
        }
    }

    private ForkedWorker Given(ForkedWorker worker)
    {
        AskForForks();
        return worker;
    }

    private void AskForForks()
    {
        if (process is not { IsReady: true } || stopped)
            return;
        int wanted = waiting.Count + (refillPaused ? 0 : options.Workers - ready.Count);
        writer.Begin(MessageKind.Fork);
        for (; forksAsked < wanted; forksAsked++)
            Send(writer.Written);
    }

    private void Spawn(TaskCompletionSource? started)
    {
        offered = [];
        try
        {
            process = HostProcess.Start(loop, options.Path);
        }
        catch (SystemCallException failure)
        {
            Lost(null, $"it cannot be started: {failure.Message}", started);
            return;
        }

        HostProcess current = process;
        reaper.Register(current.Pid, child =>
        {
            current.MarkEnded();
            Lost(current, $"it ended: {Words(child.Status)}", started);
        });
        LoopTimer deadline = loop.Schedule(StartTimeout, () => Lost(current, $"it did not become ready within {StartTimeout.TotalSeconds} s", started));
        _ = ReadAsync(current, started, deadline);
    }

    private async Task ReadAsync(HostProcess current, TaskCompletionSource? started, LoopTimer deadline)
    {
        var descriptors = new FileDescriptor?[2];
        try
        {
            while (process == current)
            {
                IOResult received = Libc.recvmsg(current.Control, incoming, descriptors, out int count);
                if (received.WouldBlock)
                {
                    if (!await current.Watch.ReadableAsync())
                        return;
                    continue;
                }

                if (received.OrThrow("recvmsg(job host)") == 0)
                {
                    Lost(current, "it closed its control socket", started);
                    return;
                }

                Take(current, incoming.AsSpan(0, (int)received.Count), descriptors.AsSpan(0, count), started, deadline);
            }
        }
        catch (Exception failure) when (failure is FormatException or SystemCallException or JobHostException or JsonException)
        {
            Lost(current, failure.Message, started);
        }
        finally
        {
            deadline.Dispose();
        }
    }

    private void Take(HostProcess current, ReadOnlySpan<byte> message, Span<FileDescriptor?> descriptors, TaskCompletionSource? started, LoopTimer deadline)
    {
        var reader = new MessageReader(message);
        if (reader.Kind == MessageKind.Forked && descriptors is [{ } control, { } pidfd])
        {
            TakeForked(Forked.Decode(ref reader), control, pidfd);
            return;
        }

        foreach (FileDescriptor? descriptor in descriptors)
            descriptor?.Dispose();
        switch (reader.Kind)
        {
            case MessageKind.Hello:
                int version = Hello.Decode(ref reader).Version;
                if (version != WorkerProtocol.Version)
                    throw new JobHostException($"it speaks version {version}, the daemon {WorkerProtocol.Version}; build both from the same release");
                break;
            case MessageKind.JobOffer:
                offered.Add(Describe(JobOffer.Decode(ref reader)));
                break;
            case MessageKind.Ready:
                reader.End();
                deadline.Dispose();
                BecomeReady(current, started);
                break;
            case MessageKind.Refused:
                throw new JobHostException(Refused.Decode(ref reader).Reason);
            case MessageKind.ForkFailed:
                TakeForkFailed(ForkFailed.Decode(ref reader).Reason);
                break;
            case MessageKind.Exited:
                TakeExited(WorkerExited.Decode(ref reader));
                break;
            default:
                throw new JobHostException($"it sent a message of kind {(int)reader.Kind}, which is not the daemon's to get");
        }
    }

    private void BecomeReady(HostProcess current, TaskCompletionSource? started)
    {
        current.IsReady = true;
        failedStarts = 0;
        Jobs = offered;
        Log.JobHostReady(logger, Path, current.Pid.Value, Jobs.Count);
        JobsChanged?.Invoke();
        AskForForks();
        started?.TrySetResult();
    }

    private void TakeForked(Forked message, FileDescriptor control, FileDescriptor pidfd)
    {
        // Whoever got hold of the worker's end can keep it open and say nothing: the loop must not wait for that.
        Libc.set_nonblocking(control);
        var pid = new ProcessId(message.Pid);
        JobProcesses processes = isolation.For(pid);
        var worker = new ForkedWorker(this, pid, control, pidfd, processes);
        workers.Add(message.Pid, worker);

        // Should the job host die, its workers become the daemon's children: what is left of their groups is ended before their ids are free.
        reaper.Register(worker.Pid, _ => worker.BeforeReap());
        if (isolation.PlacingBlocks)
            _ = PlaceAsync(worker, processes);
        else
            BecomeReady(worker);
    }

    private async Task PlaceAsync(ForkedWorker worker, JobProcesses processes)
    {
        Exception? failure = null;
        try
        {
            await Task.Run(processes.Place);
        }
        catch (Exception refused) when (refused is SystemCallException or IsolationException)
        {
            failure = refused;
        }

        // The job host may be lost by now, and its workers with it.
        if (workers.GetValueOrDefault(worker.Pid.Value) != worker)
        {
            worker.Release();
        }
        else if (failure is not null)
        {
            worker.Release();
            TakeForkFailed($"the worker has no place of its own: {failure.Message}");
        }
        else if (stopped)
        {
            worker.Release();
        }
        else
        {
            BecomeReady(worker);
        }
    }

    private void BecomeReady(ForkedWorker worker)
    {
        forksAsked--;
        if (worker.Ended is { IsCompleted: true, Result: { } how })
        {
            TakeIdleEnded(worker, how);
            worker.Release();
        }
        else if (waiting.First is { } first)
        {
            waiting.RemoveFirst();
            first.Value.TrySetResult(worker);
        }
        else
        {
            ready.Enqueue(worker);
        }
    }

    private void TakeForkFailed(string reason)
    {
        forksAsked--;
        Log.ForkFailed(logger, Path, reason);
        if (waiting.First is { } first)
        {
            waiting.RemoveFirst();
            first.Value.TrySetException(new JobHostException(reason));
        }

        PauseRefill();
    }

    private void TakeExited(WorkerExited message)
    {
        // A worker that was let go before its end: the job host said this before it read that. It cannot be meant for a later
        // worker of the same number, which is free only when that was read.
        if (!workers.TryGetValue(message.Pid, out ForkedWorker? worker))
            return;

        bool wasIdle = ready.Contains(worker);
        worker.MarkEnded(message);
        if (wasIdle)
            TakeIdleEnded(worker, message);
    }

    private void TakeIdleEnded(ForkedWorker worker, WorkerExited message)
    {
        // An idle worker that ends by itself failed to prepare, or somebody killed it. Its successor may fail as well: not too fast.
        Log.IdleWorkerEnded(logger, Path, message.Pid, worker.ReadReport().Failed?.Detail ?? $"{(message.BySignal ? "signal" : "exit code")} {message.Value}");
        PauseRefill();
    }

    private void PauseRefill()
    {
        if (refillPaused)
            return;
        refillPaused = true;
        loop.Schedule(RefillPause, () =>
        {
            refillPaused = false;
            for (int left = ready.Count; left > 0; left--)
            {
                ForkedWorker worker = ready.Dequeue();
                if (worker.Ended.IsCompleted)
                    worker.Release();
                else
                    ready.Enqueue(worker);
            }

            AskForForks();
        });
    }

    private void Lost(HostProcess? lost, string reason, TaskCompletionSource? started)
    {
        if (process != lost)
            return;
        bool wasReady = lost?.IsReady ?? false;
        process = null;
        lost?.Dispose();
        forksAsked = 0;
        unsent.Clear();
        foreach (ForkedWorker worker in workers.Values)
        {
            // Whoever took it releases it; its descriptors are that one's until then.
            worker.Signal(Signal.SIGKILL);
            worker.MarkEnded(null);
        }

        workers.Clear();
        while (ready.TryDequeue(out ForkedWorker? idle))
            idle.Release();
        if (stopped)
            return;

        var failure = new JobHostException($"the job host {Path} cannot serve: {reason}");
        if (started is { Task.IsCompleted: false })
        {
            started.TrySetException(failure);
            return;
        }

        TimeSpan pause = wasReady ? TimeSpan.Zero : TimeSpan.FromMilliseconds(Math.Min(LongestPause.TotalMilliseconds, 100 << Math.Min(failedStarts++, 10)));
        Log.JobHostLost(logger, Path, reason, pause.TotalSeconds);
        loop.Schedule(pause, () =>
        {
            if (!stopped && process is null)
                Spawn(null);
        });
    }

    private void Send(ReadOnlySpan<byte> message)
    {
        if (unsent.Count == 0)
        {
            IOResult sent = Libc.send(process!.Control, message);
            if (!sent.WouldBlock)
                return; // Sent; or the job host is gone, which reading finds.
        }

        unsent.Enqueue(message.ToArray());
        if (unsent.Count == 1)
            _ = SendRestAsync(process!);
    }

    private async Task SendRestAsync(HostProcess current)
    {
        while (await current.Watch.WritableAsync() && process == current)
        {
            while (unsent.TryPeek(out byte[]? message))
            {
                if (Libc.send(current.Control, message).WouldBlock)
                    break;
                unsent.Dequeue();
            }

            if (unsent.Count == 0)
                return;
        }
    }

    private static JobDescription Describe(JobOffer offer)
    {
        if (!JobName.IsValid(offer.Name))
            throw new JobHostException($"a job's name must be {JobName.Rule}");
        if (offer.Environment.FirstOrDefault(name => !EnvironmentVariable.MayBeAllowed(name)) is { } variable)
            throw new JobHostException($"the job {offer.Name} lets clients set the variable \"{variable}\", which is never allowed");

        if (offer.Sandboxes.SelectMany(sandbox => sandbox.ReadOnly.Concat(sandbox.ReadWrite)).FirstOrDefault(path => Sandbox.PathProblem(path) is not null) is { } path)
            throw new JobHostException($"the sandbox of the job {offer.Name} has the path \"{path}\", which {Sandbox.PathProblem(path)}");

        JsonElement? schema = null;
        if (offer.ArgumentsSchema.Length > 0)
        {
            using JsonDocument document = JsonDocument.Parse(offer.ArgumentsSchema);
            schema = document.RootElement.Clone();
        }

        return new JobDescription
        {
            Name = offer.Name,
            Kind = offer.Kind,
            Description = offer.Description,
            Arguments = schema,
            Environment = offer.Environment,
            Timeout = offer.Timeout > TimeSpan.Zero ? offer.Timeout.TotalSeconds : null,
            Sandboxes = offer.Sandboxes.Count > 0 ? offer.Sandboxes : null,
        };
    }

    private static string Words(WaitStatus status) => status switch
    {
        WaitStatus.Exited exited => $"exit code {exited.Code}",
        WaitStatus.Signaled signaled => $"killed by {signaled.Signal}",
        _ => status.ToString(),
    };
}
