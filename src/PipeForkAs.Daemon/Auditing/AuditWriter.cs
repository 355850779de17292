using Microsoft.Extensions.Logging;
using PipeForkAs.Daemon.Configuration;
using PipeForkAs.Daemon.Logging;
using PipeForkAs.LibC;

namespace PipeForkAs.Daemon.Auditing;

/// <summary>
/// Writes records to the audit file, in their order, on a thread of its own: a write(2) to a slow or hanging disk takes as long as the disk
/// does, and the loop must not wait for it. The thread tries a record that cannot be written again every second; it and those after it wait
/// in memory.
/// </summary>
/// <param name="logger">The log; it says when the file cannot be written, and when it can again.</param>
/// <param name="time">What tells the time.</param>
internal sealed class AuditWriter(ILogger logger, TimeProvider time)
{
    /// <summary>Bytes of records that may wait. Records beyond are in the log alone.</summary>
    public const int MaxWaitingBytes = 4 * 1024 * 1024;

    /// <summary>How long a record may wait before the file counts as one that cannot be written.</summary>
    public static readonly TimeSpan Patience = TimeSpan.FromSeconds(5);

    /// <summary>Before a record that could not be written is tried again.</summary>
    private static readonly TimeSpan RetryPause = TimeSpan.FromSeconds(1);

    /// <summary>Guards all below but <see cref="file"/>, which is the thread's. Nobody does I/O while holding it.</summary>
    private readonly object gate = new();
    private readonly Queue<Waiting> waiting = new();

    /// <summary>What the thread does before it writes the next record: it opens and closes files.</summary>
    private readonly Queue<Action> changes = new();

    private readonly TaskCompletionSource ended = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private AuditFile? file;
    private AuditOptions options = new();
    private Thread? thread;
    private int waitingBytes;
    private long lost, lostSinceFailure;
    private bool isFailing, hasTold, isEnding;

    /// <summary>Records that are in the log alone, since the daemon started.</summary>
    public long Lost => Locked(() => lost);

    /// <summary>Records that wait.</summary>
    public int Count => Locked(() => waiting.Count);

    /// <summary>
    /// Whether the file can be written: no record failed, found no room or waits for too long, or all that waited are written.
    /// </summary>
    public bool IsHealthy
    {
        get
        {
            string? problem;
            lock (gate)
            {
                problem = Stalled();
                if (problem is null)
                    return !hasTold && !isFailing;
            }

            LogProblem(problem);
            return false;
        }
    }

    /// <summary>Takes a record for the thread. Never waits.</summary>
    /// <param name="line">The record with its <c>\n</c>.</param>
    public void Write(byte[] line)
    {
        string? problem;
        lock (gate)
        {
            if (options.File is null || isEnding)
                return;
            problem = Stalled();
            if (waitingBytes + line.Length > MaxWaitingBytes)
            {
                lost++;
                lostSinceFailure++;
                problem ??= $"{waitingBytes} bytes of records wait already";
            }
            else
            {
                waiting.Enqueue(new Waiting(line, time.GetTimestamp()));
                waitingBytes += line.Length;
                if (waiting.Count == 1)
                    Monitor.Pulse(gate);
            }
        }

        if (problem is not null)
            LogProblem(problem);
    }

    /// <summary>Writes to another file from now on, the records that wait too.</summary>
    /// <param name="fresh">The options.</param>
    /// <param name="opened">Their file, which the writer closes; null for none: the records that wait are dropped.</param>
    public void Use(AuditOptions fresh, AuditFile? opened)
    {
        lock (gate)
        {
            options = fresh;
            if (opened is null && thread is null)
                return;
            Change(() => Replace(opened));
        }
    }

    /// <summary>Opens the file again, since logrotate(8) may have renamed it. If that fails, the former one stays in use.</summary>
    public void Reopen()
    {
        lock (gate)
        {
            if (options.File is { } path)
                Change(() => OpenAgain(path));
        }
    }

    /// <summary>
    /// Takes no more records. Completes when those that wait are written or one of them fails; <see cref="Count"/> are left.
    /// </summary>
    public Task EndAsync()
    {
        lock (gate)
        {
            isEnding = true;
            Monitor.Pulse(gate);
            return thread is null ? Task.CompletedTask : ended.Task;
        }
    }

    private void Change(Action change)
    {
        changes.Enqueue(change);
        Monitor.Pulse(gate);
        if (thread is not null || isEnding)
            return;
        thread = new Thread(Run) { Name = "audit file", IsBackground = true };
        thread.Start();
    }

    /// <summary>The thread's work.</summary>
    private void Run()
    {
        while (Next() is { } line)
            Settle(file?.Append(line));
        file?.Dispose();
        ended.TrySetResult();
    }

    /// <summary>Makes changes, then waits for the next record. Null at the end.</summary>
    private byte[]? Next()
    {
        while (true)
        {
            Action? change;
            lock (gate)
            {
                if (isFailing && changes.Count == 0 && !isEnding)
                    Monitor.Wait(gate, RetryPause);
                while (changes.Count == 0 && waiting.Count == 0 && !isEnding)
                    Monitor.Wait(gate);
                if (!changes.TryDequeue(out change))
                    return waiting.TryPeek(out Waiting next) && !(isFailing && isEnding) ? next.Line : null;
            }

            change();
        }
    }

    /// <summary>Removes the record that was tried from those that wait, unless it failed.</summary>
    /// <param name="error">The result of the write; null where there is no file.</param>
    private void Settle(Errno? error)
    {
        string? problem = null;
        long? lacking = null;
        lock (gate)
        {
            isFailing = error is { } errno && errno != Errno.None;
            if (isFailing)
            {
                problem = error.ToString();
            }
            else
            {
                waitingBytes -= waiting.Dequeue().Line.Length;

                // One record that is written is not enough: a disk that is too slow would make this change all the time.
                if (waiting.Count == 0 && hasTold)
                {
                    lacking = lostSinceFailure;
                    (hasTold, lostSinceFailure) = (false, 0);
                }
            }
        }

        if (problem is not null)
            LogProblem(problem);
        else if (lacking is { } count && file is not null)
            Log.AuditFileWorks(logger, options.File!, count);
    }

    /// <summary>Logs once, until it is over, that the file cannot be written.</summary>
    private void LogProblem(string problem)
    {
        AuditOptions told;
        lock (gate)
        {
            if (hasTold || options.File is null)
                return;
            hasTold = true;
            told = options;
        }

        Log.AuditFileFailed(logger, told.File!, problem, told.Required ? "nothing runs until it can be" : "requests go on");
    }

    private string? Stalled() => waiting.TryPeek(out Waiting oldest) && time.GetElapsedTime(oldest.Since) > Patience
        ? $"a record waits for more than {Patience.TotalSeconds} s"
        : null;

    private void Replace(AuditFile? opened)
    {
        file?.Dispose();
        file = opened;
    }

    private void OpenAgain(string path)
    {
        try
        {
            Replace(AuditFile.Open(path));
        }
        catch (ConfigurationException refused)
        {
            Log.AuditFileNotReopened(logger, refused.Message);
        }
    }

    private T Locked<T>(Func<T> read)
    {
        lock (gate)
            return read();
    }

    /// <summary>A record that waits.</summary>
    /// <param name="Line">Its bytes.</param>
    /// <param name="Since">The time stamp of its arrival.</param>
    private readonly record struct Waiting(byte[] Line, long Since);
}
