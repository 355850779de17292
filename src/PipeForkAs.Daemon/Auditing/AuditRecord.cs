using System.Collections;
using System.Collections.Concurrent;
using System.Globalization;
using System.Text;
using System.Text.Json;
using Microsoft.Extensions.Logging;
using PipeForkAs.Daemon.Callers;
using PipeForkAs.Protocol.Client;

namespace PipeForkAs.Daemon.Auditing;

/// <summary>
/// What is kept of a request: one list of named values for the journal, the console and the file alike. What is not known, or does not
/// apply, is not in it. Neither the values of environment variables nor a job's own words are kept: they may be secrets. Of its failure
/// there is the kind, and the errno.
/// </summary>
internal sealed class AuditRecord : IReadOnlyList<KeyValuePair<string, object?>>
{
    private readonly List<KeyValuePair<string, object?>> values = new(28);

    /// <summary>Makes the record of a request that has ended.</summary>
    /// <param name="trail">What is known of it.</param>
    /// <param name="digest">Stands for the arguments.</param>
    /// <param name="shown">The arguments that the job's registration lets be shown.</param>
    public AuditRecord(AuditTrail trail, ArgumentDigest digest, IReadOnlyCollection<string> shown)
    {
        Request? request = trail.Request;
        EndRecord end = trail.End
            ?? new EndRecord { Code = ReplyCode.Internal, Message = "the request failed in the daemon; its log tells more" };
        string? user = end.User ?? trail.Decision?.Account?.Name ?? request?.User;
        string? reason = ReasonOf(trail, end);
        Event = EventOf(request, end);
        Level = end.Code switch
        {
            ReplyCode.Internal or ReplyCode.HostLost => LogLevel.Error,
            ReplyCode.Denied when Event.Id == DeniedEvent => LogLevel.Warning,

            // Programs ask for them all the time: completion, and what watches the daemon.
            ReplyCode.Ok when request is { Operation: Operation.Describe or Operation.Status } => LogLevel.Debug,
            _ => LogLevel.Information,
        };

        string? operation = request?.Operation.ToString().ToLowerInvariant();
        Add("Operation", operation);
        Add("Code", end.Code.ToWire());
        Add("Job", request?.Job);
        Add("Id", trail.Id);
        Add("User", user);
        Add("Uid", end.Uid ?? trail.Decision?.Account?.Uid);
        Add("Rule", trail.Decision?.Rule);
        Add("Reason", reason);
        if (end.Error is { } error)
        {
            Add("Error", KindOf(error));
            Add("Errno", error.Errno);
        }

        Add("CallerUid", trail.Caller.Uid.Value);
        Add("CallerGid", trail.Caller.Gid.Value);
        Add("CallerPid", trail.Caller.Pid.Value);
        AddOrigin(trail.Origin);
        Add("AskedForCaller", request?.Caller);
        if (request is { Job: { } job, Arguments: { } arguments })
        {
            Arguments = ArgumentDigest.Audited(arguments, shown);
            Add(ArgumentsName, Arguments);

            // What was refused cost its caller nothing: it shall not cost the daemon a hash.
            if (end.Pid is not null || (end.Code == ReplyCode.Ok && trail.Decision is { IsAllowed: true }))
                Add("ArgumentsHmac", digest.Of(job, trail.Caller.Uid, arguments));
        }

        if (request?.Environment is { Count: > 0 } environment)
            Add("Environment", string.Join(' ', environment.Keys.Order(StringComparer.Ordinal)));
        Add("Exit", end.Exit);
        Add("Signal", end.Signal);
        Add("Seconds", end.Seconds);
        Add("Cpu", end.Cpu);
        Add("Stdin", trail.Input?.Bytes);
        if (end.Pid is not null || end.Stdout > 0)
        {
            Add("Stdout", end.Stdout);
            Add("Stderr", end.Stderr);
        }

        Add("WorkerPid", end.Pid);
        string what = request is null
            ? "a request"
            : string.Join(' ', new[] { operation, request.Job, user is null ? null : $"as {user}" }.OfType<string>());
        string? why = reason ?? (end.Error is { } thrown ? KindOf(thrown) : null);
        Sentence = string.Create(
            CultureInfo.InvariantCulture, $"uid {trail.Caller.Uid}: {what}: {end.Code.ToWire()}{(why is null ? "" : $": {why}")}");
    }

    /// <summary>Makes the one record that sums up others.</summary>
    public AuditRecord(SuppressedRecords sum)
    {
        Event = new EventId(SuppressedEvent, "Suppressed");
        Level = LogLevel.Warning;
        Add("Records", sum.Count);
        Add("Codes", sum.Codes);
        Add("First", sum.First.UtcDateTime.ToString("O", CultureInfo.InvariantCulture));
        Add("Last", sum.Last.UtcDateTime.ToString("O", CultureInfo.InvariantCulture));
        Add("CallerUid", sum.Uid);
        if (sum.Uid is null)
            Add("CallerUids", sum.Uids);
        Sentence = string.Create(CultureInfo.InvariantCulture, $"uid {sum.Uids}: {sum.Count} more requests ran nothing: {sum.Codes}");
    }

    /// <summary>Which kind of record it is.</summary>
    public EventId Event { get; }

    /// <summary>How grave it is.</summary>
    public LogLevel Level { get; }

    /// <summary>It, for a person.</summary>
    public string Sentence { get; }

    /// <inheritdoc/>
    public int Count => values.Count;

    /// <summary>The arguments that are shown, as JSON.</summary>
    private string? Arguments { get; }

    /// <inheritdoc/>
    public KeyValuePair<string, object?> this[int index] => values[index];

    /// <inheritdoc/>
    public IEnumerator<KeyValuePair<string, object?>> GetEnumerator() => values.GetEnumerator();

    /// <inheritdoc/>
    IEnumerator IEnumerable.GetEnumerator() => GetEnumerator();

    /// <summary>It as <c>name=value</c> pairs; a value that is not one plain word stands as JSON text, and so in ASCII.</summary>
    public string Pairs()
    {
        var text = new StringBuilder(512);
        foreach ((string name, object? value) in values)
        {
            string word = Convert.ToString(value, CultureInfo.InvariantCulture)!;
            text.Append(text.Length == 0 ? "" : " ").Append(MemberName(name)).Append('=');
            if (word.Length > 0 && !word.AsSpan().ContainsAnyExcept(PlainCharacters))
                text.Append(word);
            else
                text.Append('"').Append(JsonEncodedText.Encode(Whole(word)).Value).Append('"');
        }

        return text.ToString();
    }

    /// <summary>It as a JSON object: the same names in small letters, with '_' between words.</summary>
    /// <param name="writer">Where it goes.</param>
    /// <param name="time">When the request ended.</param>
    public void WriteTo(Utf8JsonWriter writer, DateTimeOffset time)
    {
        writer.WriteStartObject();
        writer.WriteString("time", time.UtcDateTime);
        writer.WriteString("event", Event.Name);
        foreach ((string name, object? value) in values)
        {
            writer.WritePropertyName(MemberName(name));
            switch (value)
            {
                case string json when name == ArgumentsName:
                    writer.WriteRawValue(json, skipInputValidation: true);
                    break;
                case string text:
                    writer.WriteStringValue(Whole(text));
                    break;
                case double number:
                    writer.WriteNumberValue(number);
                    break;
                default:
                    writer.WriteNumberValue(Convert.ToInt64(value, CultureInfo.InvariantCulture));
                    break;
            }
        }

        writer.WriteEndObject();
    }

    private const string ArgumentsName = "Arguments";
    private const int RanEvent = 100, ToldEvent = 101, DeniedEvent = 102, RefusedEvent = 103, SuppressedEvent = 104;

    /// <summary>By the names here, which are few.</summary>
    private static readonly ConcurrentDictionary<string, string> MemberNames = new(StringComparer.Ordinal);

    private static readonly System.Buffers.SearchValues<char> PlainCharacters =
        System.Buffers.SearchValues.Create("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_./@:+,");

    /// <summary>The longest kind of a failure that is kept, in characters.</summary>
    private const int LongestKind = 128;

    /// <summary>Names of .NET types have these: nested and generic ones too.</summary>
    private static readonly System.Buffers.SearchValues<char> KindCharacters =
        System.Buffers.SearchValues.Create("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.+`");

    private static EventId EventOf(Request? request, EndRecord end) => end switch
    {
        { Pid: not null } => new EventId(RanEvent, "Ran"),
        { Code: ReplyCode.Denied } when request?.Operation != Operation.Check => new EventId(DeniedEvent, "Denied"),
        { Code: ReplyCode.Ok or ReplyCode.Denied } => new EventId(ToldEvent, "Told"),
        _ => new EventId(RefusedEvent, "Refused"),
    };

    /// <summary>
    /// Why it was not done. The policy's own words, which the client is not told, where it refused; never the job's. A worker says that a
    /// program cannot be executed before any code of the job runs.
    /// </summary>
    private static string? ReasonOf(AuditTrail trail, EndRecord end) => end.Code switch
    {
        ReplyCode.Denied when trail.Decision is { IsAllowed: false } decision => decision.Reason,
        ReplyCode.Error or ReplyCode.BadArguments when end is { Pid: not null, Error: not { IsOfExecution: true } } => null,
        _ => end.Message,
    };

    /// <summary>What a failure is called. A hostile job chooses its text, and may not write anything else into a record by it.</summary>
    private static string KindOf(JobError error) =>
        error.Type.Length is > 0 and <= LongestKind && !error.Type.AsSpan().ContainsAnyExcept(KindCharacters) ? error.Type : "other";

    private static string MemberName(string name) => MemberNames.GetOrAdd(name, JsonNamingPolicy.SnakeCaseLower.ConvertName);

    /// <summary>Without halves of surrogate pairs, which no JSON can hold.</summary>
    private static string Whole(string text) => Encoding.UTF8.GetString(Encoding.UTF8.GetBytes(text));

    private void AddOrigin(CallerOrigin origin)
    {
        Add("CallerExe", origin.Executable);
        Add("CallerUnit", origin.Unit);
        Add("CallerTrust", origin.Trust switch
        {
            OriginTrust.Process => "process",
            OriginTrust.Number => "number",
            OriginTrust.Skipped => "skipped",
            _ => "gone",
        });
    }

    private void Add(string name, object? value)
    {
        if (value is not null)
            values.Add(new(name, value));
    }
}
