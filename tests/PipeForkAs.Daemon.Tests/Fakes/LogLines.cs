using System.Collections.Concurrent;
using Microsoft.Extensions.Logging;
using PipeForkAs.Daemon.Logging;

namespace PipeForkAs.Daemon.Tests.Fakes;

/// <summary>Stores all log lines.</summary>
internal sealed class LogLines : ILogger
{
    public ConcurrentQueue<string> Lines { get; } = new();

    public IDisposable? BeginScope<TState>(TState state)
        where TState : notnull => null;

    public bool IsEnabled(LogLevel logLevel) => true;

    public void Log<TState>(
        LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter) =>
        Lines.Enqueue(formatter(state, exception));
}
