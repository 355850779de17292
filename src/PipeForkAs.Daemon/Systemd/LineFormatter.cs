using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Logging.Console;
using PipeForkAs.Daemon.Auditing;
using PipeForkAs.Protocol;

namespace PipeForkAs.Daemon.Systemd;

/// <summary>
/// The format of the console: one line for each record, like the simple formatter of the framework, with everything harmful escaped.
/// </summary>
internal sealed class LineFormatter() : ConsoleFormatter(FormatterName)
{
    /// <summary>The name by which the configuration selects it.</summary>
    public const string FormatterName = "line";

    /// <inheritdoc/>
    public override void Write<TState>(in LogEntry<TState> logEntry, IExternalScopeProvider? scopeProvider, TextWriter textWriter) =>
        textWriter.Write(
            $"{Word(logEntry.LogLevel)}: {logEntry.Category}[{logEntry.EventId.Id}] "
            + $"{Text(logEntry.State, logEntry.Exception, logEntry.Formatter(logEntry.State, logEntry.Exception))}\n");

    /// <summary>Returns a record as one line: its message, the fields of an audit record, and the exception.</summary>
    public static string Text<TState>(TState state, Exception? exception, string message)
    {
        if (state is AuditRecord record)
            message = $"{message} [{record.Pairs()}]";
        string line = UntrustedText.Escape(message);
        return exception is null ? line : $"{line} {string.Join(' ', UntrustedText.Lines(exception.ToString()))}";
    }

    private static string Word(LogLevel level) => level switch
    {
        LogLevel.Trace => "trce",
        LogLevel.Debug => "dbug",
        LogLevel.Information => "info",
        LogLevel.Warning => "warn",
        LogLevel.Error => "fail",
        _ => "crit",
    };
}
