using System.Buffers;
using System.Text.Json;
using Microsoft.Extensions.Logging;
using PipeForkAs.Daemon.Callers;
using PipeForkAs.Daemon.Configuration;
using PipeForkAs.Daemon.Logging;
using PipeForkAs.Protocol.Client;

namespace PipeForkAs.Daemon.Auditing;

/// <summary>
/// Writes records of requests: to the log, which is the journal or the console, and to a file if one is configured.
/// <see cref="RecordRate"/> limits the records of requests that ran nothing. For use on the loop, as long as the daemon lives; this class
/// never waits for a disk.
/// </summary>
/// <param name="logger">The log of <see cref="Category"/>.</param>
/// <param name="time">The clock.</param>
/// <param name="schedule">Calls back on the loop after a time.</param>
/// <param name="shown">Returns the arguments of a job that its registration permits to show, by the name of the job.</param>
internal sealed class Audit(
    ILogger logger, TimeProvider time, Action<TimeSpan, Action> schedule, Func<string, IReadOnlyCollection<string>> shown)
{
    /// <summary>
    /// The category of the log. It is enabled whatever the level of other logs is; <c>Logging:LogLevel:PipeForkAs.Audit</c> sets another
    /// level.
    /// </summary>
    public const string Category = "PipeForkAs.Audit";

    /// <summary>The time between two records that sum up the other records of a caller.</summary>
    private static readonly TimeSpan SumPause = TimeSpan.FromMinutes(1);

    private readonly ArgumentDigest digest = new();
    private readonly ArrayBufferWriter<byte> line = new(2048);
    private readonly RecordRate rate = new(time);
    private readonly AuditWriter writer = new(logger, time);
    private AuditOptions options = new();
    private bool isSumming;

    /// <summary>Counts of records: summed up and missing in the file since the daemon started, and waiting for the file now.</summary>
    public (long Suppressed, long Lost, int Waiting) Counts => (rate.Suppressed, writer.Lost, writer.Count);

    /// <summary>Writes the record of a request that has ended, or counts it.</summary>
    public void Write(AuditTrail trail)
    {
        // A job that began always has its record: slots and forks limit the number of those.
        if (trail.Output is null && trail.End?.Pid is null && !rate.Admits(trail.Caller.Uid, trail.End?.Code ?? ReplyCode.Internal))
            SumUpLater();
        else
            Write(new AuditRecord(trail, digest, trail.Request?.Job is { } job ? shown(job) : []));
    }

    /// <summary>Refuses jobs while required records cannot be written.</summary>
    /// <exception cref="RefusedException">Audit:Required is set, and a record could not be written or has waited for too long.</exception>
    public void ThrowIfUnwritable()
    {
        if (options.Required && !writer.IsHealthy)
            throw new RefusedException(
                ReplyCode.Internal, "the audit file cannot be written, so no job may run (Audit:Required); nothing was run");
    }

    /// <summary>Opens the file of a configuration, off the loop; nothing changes before <see cref="Change.Commit"/>.</summary>
    /// <exception cref="ConfigurationException">The file cannot be opened.</exception>
    public async Task<Change> PrepareAsync(AuditOptions fresh) =>
        new(this, fresh, fresh.File is { } path ? await Task.Run(() => AuditFile.Open(path)) : null);

    /// <summary>Opens the file again, because logrotate(8) might have renamed it. If that fails, the former file stays in use.</summary>
    public void Reopen() => writer.Reopen();

    /// <summary>
    /// Writes the sums of the records so far, and accepts no more records for the file. Completes when the file has all records, or cannot
    /// be written.
    /// </summary>
    public Task EndAsync()
    {
        SumUp();
        return writer.EndAsync();
    }

    /// <summary>Logs how many records the file lacks at the end.</summary>
    public void LogUnwritten()
    {
        if (writer.Count is > 0 and var left)
            Log.AuditRecordsLeft(logger, options.File ?? "", left);
    }

    private void Write(AuditRecord record)
    {
        logger.Log(record.Level, record.Event, record, null, static (record, _) => record.Sentence);
        if (options.File is null)
            return;
        line.ResetWrittenCount();
        using (var json = new Utf8JsonWriter(line))
            record.WriteTo(json, time.GetUtcNow());
        line.Write("\n"u8);
        writer.Write(line.WrittenSpan.ToArray());
    }

    private void SumUpLater()
    {
        if (isSumming)
            return;
        isSumming = true;
        schedule(SumPause, SumUp);
    }

    private void SumUp()
    {
        isSumming = false;
        foreach (SuppressedRecords sum in rate.TakeSums())
            Write(new AuditRecord(sum));
    }

    /// <summary>A new configuration of the audit; it has no effect before <see cref="Commit"/>.</summary>
    internal sealed class Change(Audit audit, AuditOptions options, AuditFile? file) : IDisposable
    {
        private bool isCommitted;

        /// <summary>Puts the configuration into effect.</summary>
        public void Commit()
        {
            isCommitted = true;
            audit.options = options;
            audit.rate.PerMinute = options.RecordsPerMinute;
            audit.writer.Use(options, file);
        }

        /// <summary>Closes the file if the change was not committed: off the loop, like the open.</summary>
        public void Dispose()
        {
            if (!isCommitted && file is not null)
                Task.Run(file.Dispose);
        }
    }
}
