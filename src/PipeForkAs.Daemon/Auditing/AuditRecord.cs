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
/// The record of a request: one list of named values for the journal, the console and the file. The record omits values that are unknown or
/// do not apply. It contains neither the values of environment variables nor texts that a job wrote: they can be secrets. Of a failure it
/// contains the kind and the errno.
/// </summary>
internal sealed class AuditRecord : IReadOnlyList<KeyValuePair<string, object?>>
{
    private readonly List<KeyValuePair<string, object?>> values = new(28);

    /// <summary>Makes the record of a request that has ended.</summary>
    /// <param name="trail">What is known of the request.</param>
    /// <param name="digest">Makes the digest of the arguments.</param>
    /// <param name="shown">The arguments that the job's registration permits to show.</param>
    public AuditRecord(AuditTrail trail, ArgumentDigest digest, IReadOnlyCollection<string> shown)
    {
        Request? request = trail.Request;
        EndRecord end = trail.End
            ?? new EndRecord { Code = ReplyCode.Internal, Message = "the request failed in the daemon; see the daemon's log" };
        string? user = end.User ?? trail.Decision?.Account?.Name ?? request?.User;
        string? reason = ReasonOf(trail, end);
        Event = EventOf(request, end);
        Level = end.Code switch
        {
            ReplyCode.Internal or ReplyCode.HostLost => LogLevel.Error,
            ReplyCode.Denied when Event.Id == DeniedEvent => LogLevel.Warning,

            // Programs send these requests all the time: completion, and monitoring of the daemon.
            ReplyCode.Ok when request is { Operation: Operation.Describe or Operation.Status } => LogLevel.Debug,
            _ => LogLevel.Information,
        };

        string? operation = request?.Operation.ToWire();
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
        Add("TraceId", request?.TraceParent is { } parent ? TraceContext.TraceId(parent) : null);
        if (request is { Job: { } job, Arguments: { } arguments })
        {
            Arguments = ArgumentDigest.Audited(arguments, shown);
            Add(ArgumentsName, Arguments);

            // A refused request costs its caller nothing: it must not cost the daemon a hash.
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

    /// <summary>The kind of the record.</summary>
    public EventId Event { get; }

    /// <summary>The severity of the record.</summary>
    public LogLevel Level { get; }

    /// <summary>The record as a sentence.</summary>
    public string Sentence { get; }

    /// <inheritdoc/>
    public int Count => values.Count;

    /// <summary>The shown arguments, as JSON.</summary>
    private string? Arguments { get; }

    /// <inheritdoc/>
    public KeyValuePair<string, object?> this[int index] => values[index];

    /// <inheritdoc/>
    public IEnumerator<KeyValuePair<string, object?>> GetEnumerator() => values.GetEnumerator();

    /// <inheritdoc/>
    IEnumerator IEnumerable.GetEnumerator() => GetEnumerator();

    /// <summary>Returns the record as <c>name=value</c> pairs; a value that is not one plain word is JSON text, and so ASCII.</summary>
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

    /// <summary>Writes the record as a JSON object: the same names in lower case, with '_' between words.</summary>
    /// <param name="writer">Receives the object.</param>
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

    /// <summary>JSON names by the names of values, of which there are few.</summary>
    private static readonly ConcurrentDictionary<string, string> MemberNames = new(StringComparer.Ordinal);

    private static readonly System.Buffers.SearchValues<char> PlainCharacters =
        System.Buffers.SearchValues.Create("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_./@:+,");

    /// <summary>The longest kind of a failure that a record contains, in characters.</summary>
    private const int LongestKind = 128;

    /// <summary>The characters in the names of .NET types, including nested and generic types.</summary>
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
    /// Returns why the daemon did not run the job. For a denial, that is the reason of the policy, which the reply to the client omits;
    /// never a text from the job. A worker reports that a program cannot be executed before any code of the job runs.
    /// </summary>
    private static string? ReasonOf(AuditTrail trail, EndRecord end) => end.Code switch
    {
        ReplyCode.Denied when trail.Decision is { IsAllowed: false } decision => decision.Reason,
        ReplyCode.Error or ReplyCode.BadArguments when end is { Pid: not null, Error: not { IsOfExecution: true } } => null,
        _ => end.Message,
    };

    /// <summary>
    /// Returns the kind of a failure. A hostile job chooses that text, and must not be able to write anything else into a record.
    /// </summary>
    private static string KindOf(JobError error) =>
        error.Type.Length is > 0 and <= LongestKind && !error.Type.AsSpan().ContainsAnyExcept(KindCharacters) ? error.Type : "other";

    private static string MemberName(string name) => MemberNames.GetOrAdd(name, JsonNamingPolicy.SnakeCaseLower.ConvertName);

    /// <summary>Replaces halves of surrogate pairs, which JSON cannot contain.</summary>
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
