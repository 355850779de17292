using PipeForkAs.Protocol.Client;

namespace PipeForkAs.Cli.Commands;

/// <summary>The trace of the command's caller: the variables <c>TRACEPARENT</c> and <c>TRACESTATE</c>, by the convention of OpenTelemetry
/// (https://opentelemetry.io/docs/specs/otel/context/env-carriers/).
/// </summary>
internal static class CallerTrace
{
    /// <summary>Returns the request with the trace. Variables without a valid value are ignored, because a trace must not stop a job;
    /// <c>--env</c> of the same names takes precedence.
    /// </summary>
    public static Request AddTo(Request request)
    {
        if (Environment.GetEnvironmentVariable(TraceContext.ParentVariable) is not { Length: > 0 } parent
            || !TraceContext.IsParent(parent) || SetsTrace(request))
        {
            return request;
        }

        string? state = Environment.GetEnvironmentVariable(TraceContext.StateVariable);
        return request with { TraceParent = parent, TraceState = state is { Length: > 0 } && TraceContext.IsState(state) ? state : null };
    }

    private static bool SetsTrace(Request request) => request.Environment is { } variables
        && (variables.ContainsKey(TraceContext.ParentVariable) || variables.ContainsKey(TraceContext.StateVariable));
}
