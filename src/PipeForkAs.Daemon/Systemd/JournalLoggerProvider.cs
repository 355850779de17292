using System.Globalization;
using System.Text;
using Microsoft.Extensions.Logging;
using PipeForkAs.LibC;
using PipeForkAs.Protocol;

namespace PipeForkAs.Daemon.Systemd;

/// <summary>
/// Logs to systemd's journal with fields: see <see cref="JournalRecord"/>. Who logs never waits. Records that the journal has no room for
/// wait in memory for a thread that does; where there are too many, or there is no journal, they go to stderr, and what that does not
/// take either is counted, and told when the journal is there again.
/// </summary>
/// <param name="path">The journal's socket.</param>
/// <param name="stderr">Where the journal's lines go instead.</param>
[ProviderAlias("Journal")]
internal sealed class JournalLoggerProvider(string path, FileDescriptor stderr) : ILoggerProvider
{
    private const string Identifier = "pipeforkasd";

    /// <summary>What the ids of all messages begin with; the rest is the event's id. Made by sd-id128(1) for this daemon.</summary>
    private const string MessageIdPrefix = "460cea91f72f4b4b8cefc487e1d4";

    /// <summary>What fits a pipe that has room for anything, so that the write does not wait; pipe(7), PIPE_BUF.</summary>
    private const int LongestLine = 4096;

    /// <summary>How much may wait for the journal, in bytes.</summary>
    private const int MaxWaitingBytes = 4 * 1024 * 1024;

    /// <summary>How long the thread waits for the journal at a time, in milliseconds.</summary>
    private const int Patience = 200;

    /// <summary>How long the end waits for it.</summary>
    private static readonly TimeSpan LastPatience = TimeSpan.FromSeconds(2);

    private readonly Lock sending = new();
    private readonly Queue<Waiting> waiting = new();
    private readonly JournalSocket socket = new(path);
    private readonly JournalRecord record = new();
    private Thread? carrier;
    private int waitingBytes;
    private volatile bool closing;
    private bool down;
    private long lost;

    /// <summary>Whether what a process writes to a descriptor goes to the journal; systemd.exec(5), JOURNAL_STREAM.</summary>
    /// <param name="variable">The variable's value: device and inode.</param>
    /// <param name="stream">The descriptor.</param>
    public static bool IsJournal(string? variable, FileDescriptor stream)
    {
        if (string.IsNullOrEmpty(variable))
            return false;
        try
        {
            FileStatus status = Libc.fstat(stream);
            return variable == string.Create(CultureInfo.InvariantCulture, $"{status.DeviceNumber}:{status.Inode}");
        }
        catch (SystemCallException)
        {
            // It is closed.
            return false;
        }
    }

    /// <summary>The MESSAGE_ID of an event, by which <c>journalctl MESSAGE_ID=</c> finds all of its kind.</summary>
    public static string MessageId(int eventId) => string.Create(CultureInfo.InvariantCulture, $"{MessageIdPrefix}{eventId & 0xFFFF:x4}");

    /// <inheritdoc/>
    public ILogger CreateLogger(string categoryName) => new JournalLogger(this, categoryName);

    /// <inheritdoc/>
    public void Dispose()
    {
        closing = true;
        Thread? last;
        lock (sending)
            last = carrier;
        last?.Join();
        lock (sending)
            socket.Dispose();
    }

    /// <summary>syslog(3)'s priority of a level.</summary>
    private static int Priority(LogLevel level) => level switch
    {
        LogLevel.Trace or LogLevel.Debug => 7,
        LogLevel.Information => 6,
        LogLevel.Warning => 4,
        LogLevel.Error => 3,
        _ => 2,
    };

    private void Write<TState>(string category, LogLevel level, EventId eventId, TState state, Exception? exception, string message)
    {
        lock (sending)
        {
            record.Clear().Add("MESSAGE", UntrustedText.Escape(message)).Add("PRIORITY", Priority(level))
                .Add("SYSLOG_IDENTIFIER", Identifier).Add("PIPEFORKAS_LOGGER", category);
            if (eventId.Id != 0)
                record.Add("MESSAGE_ID", MessageId(eventId.Id));
            if (eventId.Name is { } name)
                record.Add("PIPEFORKAS_EVENT", name);
            foreach ((string key, object? value) in state as IReadOnlyList<KeyValuePair<string, object?>> ?? [])
            {
                if (value is not null && key != "{OriginalFormat}")
                    record.Add(JournalRecord.Name(key), Convert.ToString(value, CultureInfo.InvariantCulture) ?? "");
            }

            if (exception is not null)
                record.Add("PIPEFORKAS_EXCEPTION", exception.ToString());

            Errno error = carrier is null ? socket.Send(record.Written) : Errno.EAGAIN;
            if (error == Errno.None)
                Arrived();
            else if (error == Errno.EAGAIN && !closing && waitingBytes < MaxWaitingBytes)
                Keep(new Waiting(record.Written.ToArray(), level, LineFormatter.Text(state, exception, message)));
            else
                Instead(error, level, LineFormatter.Text(state, exception, message));
        }
    }

    private void Keep(Waiting item)
    {
        waiting.Enqueue(item);
        waitingBytes += item.Record.Length;
        if (carrier is not null)
            return;
        carrier = new Thread(Carry) { Name = "journal", IsBackground = true };
        carrier.Start();
    }

    /// <summary>Sends what waits, in its order. As long as it does, the socket is this thread's.</summary>
    private void Carry()
    {
        long started = Environment.TickCount64;
        socket.Wait(Patience);
        while (true)
        {
            if (!closing)
                started = Environment.TickCount64;
            bool giveUp = closing && Environment.TickCount64 - started > LastPatience.TotalMilliseconds;
            bool isFull;

            // One record at a time, since the loop waits for the lock.
            lock (sending)
            {
                isFull = waiting.TryPeek(out Waiting? next) && !CarryOne(next, giveUp);
                if (waiting.Count == 0)
                {
                    carrier = null;
                    return;
                }
            }

            if (isFull)
                socket.Wait(Patience);
        }
    }

    /// <summary>Sends the record that waits longest. False where the journal has no room for it.</summary>
    private bool CarryOne(Waiting next, bool giveUp)
    {
        Errno error = socket.Send(next.Record);
        if (error == Errno.EAGAIN && !giveUp)
            return false;
        waiting.Dequeue();
        waitingBytes -= next.Record.Length;
        if (error == Errno.None)
            Arrived();
        else
            Instead(error, next.Level, next.Line);
        return true;
    }

    private void Instead(Errno error, LogLevel level, string line)
    {
        if (!down)
            ToStderr(LogLevel.Warning, $"the journal at {path} takes no records ({error}); they follow here");
        down = true;
        if (!ToStderr(level, line))
            lost++;
    }

    private void Arrived()
    {
        if (!down)
            return;
        down = false;
        string message = string.Create(
            CultureInfo.InvariantCulture, $"the journal takes records again; {lost} were lost, others went to stderr");
        record.Clear().Add("MESSAGE", message).Add("PRIORITY", Priority(LogLevel.Warning)).Add("SYSLOG_IDENTIFIER", Identifier).Add(
            "PIPEFORKAS_LOST", lost);
        if (socket.Send(record.Written) == Errno.None)
            lost = 0;
        else
            down = true;
    }

    /// <summary>A line with its priority in front, as the journal reads it from a service's stderr; sd-daemon(3).</summary>
    private bool ToStderr(LogLevel level, string line)
    {
        try
        {
            byte[] bytes = Encoding.UTF8.GetBytes($"<{Priority(level)}>{line}\n");
            if (bytes.Length > LongestLine)
            {
                bytes = bytes[..LongestLine];
                bytes[^1] = (byte)'\n';
            }

            // Under systemd it is a socket, shared with job hosts: they may fill it between a look and a write that would wait then.
            IOResult sent = Libc.send_nowait(stderr, bytes);
            if (sent.Errno == Errno.ENOTSOCK)
                return Libc.is_writable(stderr) && Libc.write(stderr, bytes).Count == bytes.Length;
            return sent.Count == bytes.Length;
        }
        catch (SystemCallException)
        {
            return false;
        }
    }

    /// <summary>A record that the journal had no room for.</summary>
    private sealed record Waiting(byte[] Record, LogLevel Level, string Line);

    private sealed class JournalLogger(JournalLoggerProvider provider, string category) : ILogger
    {
        public IDisposable? BeginScope<TState>(TState state)
            where TState : notnull => null;

        public bool IsEnabled(LogLevel logLevel) => logLevel != LogLevel.None;

        public void Log<TState>(
            LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter)
        {
            if (IsEnabled(logLevel))
                provider.Write(category, logLevel, eventId, state, exception, formatter(state, exception));
        }
    }
}
