using Microsoft.Extensions.Logging;
using PipeForkAs.Daemon.Configuration;
using PipeForkAs.Daemon.Logging;
using PipeForkAs.LibC;

namespace PipeForkAs.Daemon.Auditing;

/// <summary>
/// Writes records to the audit file, in order, on a separate thread: a write(2) to a slow or hanging disk takes as long as the disk does,
/// and the loop must not wait for it. If a record cannot be written, the thread tries again every second; that record and later ones wait
/// in memory.
/// </summary>
/// <param name="logger">The log; it says when the file cannot be written, and when it can again.</param>
/// <param name="time">The clock.</param>
internal sealed class AuditWriter(ILogger logger, TimeProvider time)
{
    /// <summary>The maximum size of waiting records in bytes. Records beyond it are in the log alone.</summary>
    public const int MaxWaitingBytes = 4 * 1024 * 1024;

    /// <summary>How long a record can wait before the file counts as not writable.</summary>
    public static readonly TimeSpan Patience = TimeSpan.FromSeconds(5);

    /// <summary>The pause before another attempt to write a record.</summary>
    private static readonly TimeSpan RetryPause = TimeSpan.FromSeconds(1);

    /// <summary>
    /// Guards all fields below except <see cref="file"/>, which belongs to the thread. No code does I/O while it has the lock.
    /// </summary>
    private readonly object gate = new();
    private readonly Queue<Waiting> waiting = new();

    /// <summary>Actions for the thread before it writes the next record: it opens and closes files.</summary>
    private readonly Queue<Action> changes = new();

    private readonly TaskCompletionSource ended = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private AuditFile? file;
    private AuditOptions options = new();
    private Thread? thread;
    private int waitingBytes;
    private long lost, lostSinceFailure;
    private bool isFailing, hasTold, isEnding;

    /// <summary>The number of records that are in the log alone, since the daemon started.</summary>
    public long Lost => Locked(() => lost);

    /// <summary>The number of waiting records.</summary>
    public int Count => Locked(() => waiting.Count);

    /// <summary>
    /// Whether the file can be written. False after a record failed, found no room or waited for too long, until all waiting records are
    /// written.
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

    /// <summary>Adds a record for the thread. Never waits.</summary>
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
                problem ??= $"{waitingBytes} bytes of records are waiting already";
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

    /// <summary>Writes to another file from now on, including the waiting records.</summary>
    /// <param name="fresh">The options.</param>
    /// <param name="opened">The file of the options, which the writer closes; null for none: the writer drops the waiting records.</param>
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

    /// <summary>Opens the file again, because logrotate(8) might have renamed it. If that fails, the former file stays in use.</summary>
    public void Reopen()
    {
        lock (gate)
        {
            if (options.File is { } path)
                Change(() => OpenAgain(path));
        }
    }

    /// <summary>
    /// Accepts no more records. Completes when the waiting records are written or one of them fails; <see cref="Count"/> records are left.
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

    private void Run()
    {
        while (Next() is { } line)
            Settle(file?.Append(line));
        file?.Dispose();
        ended.TrySetResult();
    }

    /// <summary>Applies changes, then waits for the next record. Returns null at the end.</summary>
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

    /// <summary>Removes the written record from the queue, unless the write failed.</summary>
    /// <param name="error">The result of the write; null if there is no file.</param>
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

                // One written record is not enough: with a disk that is too slow, the state would change all the time.
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

    /// <summary>Logs that the file cannot be written, once until it can.</summary>
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

        Log.AuditFileFailed(
            logger, told.File!, problem, told.Required ? "no job runs until it can be written" : "requests are still served");
    }

    private string? Stalled() => waiting.TryPeek(out Waiting oldest) && time.GetElapsedTime(oldest.Since) > Patience
        ? $"a record has waited for more than {Patience.TotalSeconds} s"
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

    /// <summary>A waiting record.</summary>
    /// <param name="Line">The bytes of the record.</param>
    /// <param name="Since">The timestamp of its arrival.</param>
    private readonly record struct Waiting(byte[] Line, long Since);
}
