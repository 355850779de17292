using System.Buffers;
using System.Text.Json;
using Microsoft.Extensions.Logging;
using PipeForkAs.Daemon.Configuration;
using PipeForkAs.Daemon.Requests;
using PipeForkAs.LibC;
using PipeForkAs.Protocol.Client;

namespace PipeForkAs.Daemon.Auditing;

/// <summary>Keeps a record of each request: in the log, which is the journal or the console, and in a file where one is configured. On the loop alone, and as long as the daemon lives.</summary>
/// <param name="logger">The log of <see cref="Category"/>.</param>
/// <param name="time">What tells the time.</param>
/// <param name="shown">The arguments of a job, by its name, that its registration lets be shown.</param>
internal sealed class Audit(ILogger logger, TimeProvider time, Func<string, IReadOnlyCollection<string>> shown)
{
    /// <summary>The log's category. It is on whatever the level of other logs is; <c>Logging:LogLevel:PipeForkAs.Audit</c> sets another.</summary>
    public const string Category = "PipeForkAs.Audit";

    private readonly ArgumentDigest digest = new();
    private readonly ArrayBufferWriter<byte> line = new(2048);
    private AuditOptions options = new();
    private AuditFile? file;
    private Errno trouble = Errno.None;
    private long lost;

    /// <summary>Keeps the record of a request that has ended.</summary>
    public void Write(AuditTrail trail)
    {
        var record = new AuditRecord(trail, digest, trail.Request?.Job is { } job ? shown(job) : []);
        logger.Log(record.Level, record.Event, record, null, static (record, _) => record.Sentence);
        if (file is not null)
            Note(Append(file, record));
    }

    /// <summary>Refuses to run anything while records cannot be kept that must be. The record of what is refused here is the next try.</summary>
    /// <exception cref="RefusedException">The last record could not be written, and Audit:Required says that it must be.</exception>
    public void DemandWritable()
    {
        if (options.Required && trouble != Errno.None)
            throw new RefusedException(ReplyCode.Internal, "the audit file cannot be written, without which nothing may run (Audit:Required); nothing was run");
    }

    /// <summary>Opens what a configuration says; nothing changes before <see cref="Change.Keep"/>.</summary>
    /// <exception cref="ConfigurationException">The file cannot be opened.</exception>
    public Change Prepare(AuditOptions fresh) => new(this, fresh, fresh.File is null ? null : AuditFile.Open(fresh.File));

    /// <summary>Opens the file anew, since it may have been renamed: logrotate(8). Where that fails the former one is written on.</summary>
    public void Reopen()
    {
        try
        {
            using Change change = Prepare(options);
            change.Keep();
        }
        catch (ConfigurationException refused)
        {
            Log.AuditFileNotReopened(logger, refused.Message);
        }
    }

    private Errno Append(AuditFile to, AuditRecord record)
    {
        line.ResetWrittenCount();
        using (var json = new Utf8JsonWriter(line))
            record.WriteTo(json, time.GetUtcNow());
        line.Write("\n"u8);
        return to.Append(line.WrittenSpan);
    }

    private void Note(Errno error)
    {
        if (error != Errno.None)
        {
            lost++;
            if (trouble == Errno.None)
                Log.AuditFileFailed(logger, options.File!, error.ToString(), options.Required ? "nothing runs until it can be" : "requests go on");
        }
        else if (trouble != Errno.None)
        {
            Log.AuditFileWorks(logger, options.File!, lost);
            lost = 0;
        }

        trouble = error;
    }

    /// <summary>Another configuration of the audit, which holds when it is kept.</summary>
    internal sealed class Change(Audit audit, AuditOptions options, AuditFile? file) : IDisposable
    {
        private AuditFile? file = file;

        /// <summary>Goes by it from now on.</summary>
        public void Keep()
        {
            (audit.options, audit.file, file) = (options, file, audit.file);
            if (audit.file is null)
                (audit.trouble, audit.lost) = (Errno.None, 0);
        }

        /// <summary>Closes what is not written any more: the former file, or the fresh one where it was not kept.</summary>
        public void Dispose() => file?.Dispose();
    }
}
