using System.Text.Json;
using System.Text.Json.Serialization;
using PipeForkAs.Client;

namespace PipeForkAs.Protocol.Client;

/// <summary>A client's request: one JSON object on one line. Unknown members, duplicate members and wrong types are refused.</summary>
[JsonUnmappedMemberHandling(JsonUnmappedMemberHandling.Disallow)]
public sealed record Request
{
    /// <summary>The operation; <c>run</c> by default.</summary>
    [JsonPropertyName("op")]
    public Operation Operation { get; init; }

    /// <summary>The job's name. Required for <c>run</c>, <c>describe</c> and <c>check</c>.</summary>
    [JsonPropertyName("job")]
    public string? Job { get; init; }

    /// <summary>The user to run as: a user name, or a uid in digits (a JSON string or number). Default: the calling user.</summary>
    [JsonPropertyName("user")]
    [JsonConverter(typeof(UserSelectorConverter))]
    public string? User { get; init; }

    /// <summary>Only for <c>check</c>, and only for root: the caller to decide for, as a user name or a uid in digits, with the groups that
    /// the user database lists for it.
    /// </summary>
    [JsonPropertyName("caller")]
    [JsonConverter(typeof(UserSelectorConverter))]
    public string? Caller { get; init; }

    /// <summary>Only for <c>cancel</c>: the <see cref="RunningJobStatus.Id"/> of the job, 1 or more.</summary>
    [JsonPropertyName("id")]
    public long? Id { get; init; }

    /// <summary>The job's arguments: a JSON object, or nothing.</summary>
    [JsonPropertyName("args")]
    [JsonConverter(typeof(RawObjectConverter))]
    public byte[]? Arguments { get; init; }

    /// <summary>Environment variables for the job; only those that the job's registration allows.</summary>
    [JsonPropertyName("env")]
    public Dictionary<string, string>? Environment { get; init; }

    /// <summary>Seconds that the job may run, more than 0; can only shorten the configured limit.</summary>
    [JsonPropertyName("timeout")]
    public double? Timeout { get; init; }

    /// <summary>Only for <c>run</c>, <c>check</c> and <c>sign-out</c>: a ticket that <c>sign-in</c> gave to this caller.</summary>
    [JsonPropertyName("ticket")]
    public string? Ticket { get; init; }

    /// <summary>
    /// The position of the request in the caller's trace (W3C Trace Context). The job gets it as the variable <c>TRACEPARENT</c>, and the
    /// audit record has its trace id.
    /// </summary>
    [JsonPropertyName("traceparent")]
    public string? TraceParent { get; init; }

    /// <summary>What tracing systems add to <see cref="TraceParent"/>. The job gets it as the variable <c>TRACESTATE</c>.</summary>
    [JsonPropertyName("tracestate")]
    public string? TraceState { get; init; }

    /// <summary>The form of the reply; <c>text</c> by default.</summary>
    [JsonPropertyName("reply")]
    public ReplyForm Reply { get; init; }

    /// <summary>Returns the operation, the job and the user; never a ticket or arguments, because a text can get into a log.</summary>
    public override string ToString() => string.Join(' ', new[] { Operation.ToWire(), Job, User }.OfType<string>());

    /// <summary>Reads a request from one line (without its <c>\n</c>).</summary>
    /// <exception cref="RequestException">The line is not a valid request; the message says what is wrong.</exception>
    public static Request Parse(ReadOnlySpan<byte> line)
    {
        RequestText.Check(line);
        Request request;
        try
        {
            request = JsonSerializer.Deserialize(line, RequestJson.Default.Request)!;
        }
        catch (JsonException failure)
        {
            throw RequestText.Refused(line, failure);
        }

        request.Check();
        return request;
    }

    /// <summary>Returns the request as a line with its <c>\n</c>.</summary>
    /// <exception cref="RequestException">The request is longer than <see cref="ClientProtocol.MaxRequestBytes"/> or not valid.</exception>
    public byte[] ToLine()
    {
        Check();
        if (PlainJson.TryWriteLine(this, out byte[] line))
            return line;

        byte[] json = Serialize();
        if (json.Length >= ClientProtocol.MaxRequestBytes)
            throw new RequestException(
                $"the request has {json.Length + 1} bytes, the "
                + $"maximum is {ClientProtocol.MaxRequestBytes}; send large data as the job's standard input");

        Array.Resize(ref json, json.Length + 1);
        json[^1] = (byte)'\n';
        return json;
    }

    private byte[] Serialize()
    {
        try
        {
            if (Arguments is not null && !JsonText.IsUnicode(Arguments))
                throw new RequestException("\"args\" contains text that is not valid Unicode");
            byte[] json = JsonSerializer.SerializeToUtf8Bytes(this, RequestJson.Default.Request);
            RequestText.Check(json);
            return json;
        }
        catch (JsonException failure)
        {
            throw new RequestException($"\"args\" must be a JSON object{ArgumentsFault(failure)}", failure);
        }
    }

    private void Check()
    {
        if (Job is null && Operation is (Operation.Run or Operation.Describe or Operation.Check))
            throw new RequestException("\"job\" is missing; name the job");
        if (Job is not null && !JobName.IsValid(Job))
            throw new RequestException($"\"job\" must be {JobName.Rule}");
        if (User is not null && !UserSelectorConverter.IsValid(User))
            throw new RequestException($"\"user\" must be {UserSelectorConverter.Rule}");
        if (Caller is not null && Operation != Operation.Check)
            throw new RequestException("\"caller\" is valid only for \"check\"; the kernel attests the caller of other requests");
        if (Caller is not null && !UserSelectorConverter.IsValid(Caller))
            throw new RequestException($"\"caller\" must be {UserSelectorConverter.Rule}");
        if (Operation == Operation.Cancel && Id is not > 0)
            throw new RequestException("\"id\" must be the id of a running job, at least 1; pipeforkas status lists your jobs");
        if (Id is not null && Operation != Operation.Cancel)
            throw new RequestException("\"id\" is valid only for \"cancel\"; name the job with \"job\"");
        if (Timeout is { } seconds && !(seconds > 0 && double.IsFinite(seconds)))
            throw new RequestException("\"timeout\" must be a number of seconds greater than 0");
        CheckTicket();
        CheckTrace();

        foreach ((string name, string value) in Environment ?? [])
        {
            if (!EnvironmentVariable.IsName(name))
                throw new RequestException($"\"env\": a variable's name must be {EnvironmentVariable.NameRule}");
            if (value is null || value.Contains('\0', StringComparison.Ordinal) || !RequestText.IsUnicode(value))
                throw new RequestException($"\"env\": the value of {name} must be a string of Unicode without NUL");
        }
    }

    private void CheckTicket()
    {
        if (Operation == Operation.SignIn && (User is null || UserSelectorConverter.IsUid(User)))
            throw new RequestException("\"user\" must be a user name for \"sign-in\"");
        if (Operation == Operation.SignOut && Ticket is null)
            throw new RequestException("\"ticket\" is missing; \"sign-out\" needs the ticket to end");
        if (Ticket is not null && Operation is not (Operation.Run or Operation.Check or Operation.SignOut))
            throw new RequestException("\"ticket\" is valid only for \"run\", \"check\" and \"sign-out\"");
        if (Ticket is not null && !TicketText.IsValid(Ticket))
            throw new RequestException($"\"ticket\" must be {TicketText.Rule}");
    }

    private void CheckTrace()
    {
        if (TraceParent is not null && !TraceContext.IsParent(TraceParent))
            throw new RequestException($"\"traceparent\" must be {TraceContext.ParentRule}");
        if (TraceState is not null && !TraceContext.IsState(TraceState))
            throw new RequestException($"\"tracestate\" must be {TraceContext.StateRule}");
        if (TraceState is not null && TraceParent is null)
            throw new RequestException("\"tracestate\" needs \"traceparent\"; add it, or omit both");
        if (TraceParent is not null && Environment is { } variables
            && (variables.ContainsKey(TraceContext.ParentVariable) || variables.ContainsKey(TraceContext.StateVariable)))
        {
            throw new RequestException("\"traceparent\" sets TRACEPARENT and TRACESTATE; omit them from \"env\"");
        }
    }

    private string ArgumentsFault(JsonException failure)
    {
        if (Arguments.AsSpan().TrimStart(" \t\r\n"u8) is not [(byte)'{', ..])
            return "";
        JsonFault fault = JsonFault.Of(Arguments, failure);
        return $"; at its byte {fault.Position}: {fault.Problem}";
    }
}
