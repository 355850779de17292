using System.Diagnostics;
using System.Reflection;

using PipeForkAs.Protocol.Client;

namespace PipeForkAs.Client.Exchanges;

/// <summary>
/// The activity of one request. It exists only if a listener wants activities of this library. The request then carries its context, so
/// the job and the daemon's records belong to the same trace.
/// </summary>
internal sealed class TracedExchange : IDisposable
{
    private const string CodeTag = "pipeforkas.code", ErrorTag = "error.type";

    private static readonly ActivitySource Source = new(PipeForkAsClient.ActivitySourceName, Version);

    private readonly Activity? activity;

    /// <summary>Starts the activity of a request.</summary>
    public TracedExchange(Request request)
    {
        string operation = request.Operation.ToWire();
        activity = Source.StartActivity(request.Job is null ? operation : $"{operation} {request.Job}", ActivityKind.Client);
        activity?.SetTag("pipeforkas.operation", operation);
        activity?.SetTag("pipeforkas.job", request.Job);
        activity?.SetTag("pipeforkas.user", request.User);
        Request = activity is null ? request : WithContext(request, activity);
    }

    /// <summary>The request, with the context of the activity.</summary>
    public Request Request { get; }

    private static string? Version =>
        typeof(PipeForkAsClient).Assembly.GetCustomAttribute<AssemblyInformationalVersionAttribute>()?.InformationalVersion.Split('+')[0];

    /// <summary>Notes how the request ended, and returns the result.</summary>
    public JobResult Note(JobResult result)
    {
        string code = result.Code.ToWire();
        activity?.SetTag(CodeTag, code);
        if (!result.IsSuccess)
        {
            activity?.SetTag(ErrorTag, code);
            activity?.SetStatus(ActivityStatusCode.Error, result.Message);
        }

        return result;
    }

    /// <summary>Notes why there is no result. Always returns false: it is the filter of a handler that lets the exception pass.</summary>
    public bool Note(Exception failure)
    {
        activity?.SetTag(ErrorTag, failure.GetType().FullName);
        activity?.SetStatus(ActivityStatusCode.Error, failure.Message);
        return false;
    }

    public void Dispose() => activity?.Dispose();

    /// <summary>An activity of another id format, or with a state that W3C Trace Context does not allow, sends less.</summary>
    private static Request WithContext(Request request, Activity activity)
    {
        if (activity is not { IdFormat: ActivityIdFormat.W3C, Id: { } parent } || !TraceContext.IsParent(parent))
            return request;
        string? state = activity.TraceStateString is { Length: > 0 } text && TraceContext.IsState(text) ? text : null;
        return request with { TraceParent = parent, TraceState = state };
    }
}
