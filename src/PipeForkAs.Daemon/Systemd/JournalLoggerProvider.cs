using System.Globalization;
using System.Text;
using Microsoft.Extensions.Logging;
using PipeForkAs.LibC;
using PipeForkAs.Protocol;

namespace PipeForkAs.Daemon.Systemd;

/// <summary>
/// Logs to systemd's journal with fields: see <see cref="JournalRecord"/>. A call that logs never waits. If the journal has no room for a
/// record, the record waits in memory for a thread that sends it. If too many records wait, or if there is no journal, records go to
/// stderr; the provider counts records that stderr does not take either, and logs the count when the journal is back.
/// </summary>
/// <param name="path">The socket of the journal.</param>
/// <param name="stderr">The descriptor for lines that the journal does not take.</param>
[ProviderAlias("Journal")]
internal sealed class JournalLoggerProvider(string path, FileDescriptor stderr) : ILoggerProvider
{
    private const string Identifier = "pipeforkasd";

    /// <summary>The prefix of the ids of all messages; the id of the event follows. Made by sd-id128(1) for this daemon.</summary>
    private const string MessageIdPrefix = "460cea91f72f4b4b8cefc487e1d4";

    /// <summary>
    /// The size of a write for which a pipe that reports any room has enough, so that the write does not wait; pipe(7), PIPE_BUF.
    /// </summary>
    private const int LongestLine = 4096;

    /// <summary>The maximum size of the records that wait for the journal, in bytes.</summary>
    private const int MaxWaitingBytes = 4 * 1024 * 1024;

    /// <summary>How long the thread waits for the journal at a time, in milliseconds.</summary>
    private const int Patience = 200;

    /// <summary>How long <see cref="Dispose"/> waits for the journal.</summary>
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

    /// <summary>Whether the output of a process to a descriptor goes to the journal; systemd.exec(5), JOURNAL_STREAM.</summary>
    /// <param name="variable">The value of the variable: device and inode.</param>
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
            // The descriptor is closed.
            return false;
        }
    }

    /// <summary>Returns the MESSAGE_ID of an event; <c>journalctl MESSAGE_ID=</c> finds all events with this id.</summary>
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

    /// <summary>Returns the syslog(3) priority of a level.</summary>
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

    /// <summary>Sends the waiting records, in order. Until they are sent, only this thread uses the socket.</summary>
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

            // One record at a time, because the loop waits for the lock.
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

    /// <summary>Sends the record that has waited longest. Returns false if the journal has no room for it.</summary>
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
            ToStderr(LogLevel.Warning, $"the journal at {path} accepts no records ({error}); they follow here");
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
            CultureInfo.InvariantCulture, $"the journal accepts records again; {lost} were lost, the others went to stderr");
        record.Clear().Add("MESSAGE", message).Add("PRIORITY", Priority(LogLevel.Warning)).Add("SYSLOG_IDENTIFIER", Identifier).Add(
            "PIPEFORKAS_LOST", lost);
        if (socket.Send(record.Written) == Errno.None)
            lost = 0;
        else
            down = true;
    }

    /// <summary>
    /// Writes a line with its priority before it, the form that the journal reads from the stderr of a service; sd-daemon(3).
    /// </summary>
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

            // Under systemd it is a socket, shared with job hosts: they could fill it between a check and a write, and that write would
            // wait.
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

    /// <summary>A record for which the journal had no room.</summary>
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
