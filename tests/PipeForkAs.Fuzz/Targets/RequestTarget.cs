using System.Text.Json;
using PipeForkAs.Fuzz.Driver;
using PipeForkAs.Protocol;
using PipeForkAs.Protocol.Client;

namespace PipeForkAs.Fuzz.Targets;

/// <summary>A client's line: <see cref="Request.Parse"/> and <see cref="ReplyFormPeek"/>.</summary>
internal sealed class RequestTarget : Target
{
    /// <summary>When written again, a character may need six bytes: a request of this length still fits into a line.</summary>
    private const int LongestWritten = ClientProtocol.MaxRequestBytes / 8;

    public override string Name => "request";

    public override void Try(Trial trial)
    {
        byte[] line = trial.Input;
        IsWrittenOrRefused(new Request { Job = "id", Arguments = line });
        ReplyForm form = trial.Measured(() => ReplyFormPeek.Of(line));
        Request request;
        try
        {
            request = trial.Measured(() => Request.Parse(line));
        }
        catch (RequestException refused)
        {
            Trial.IsReason(refused.Message);
            return;
        }

        trial.Accept();
        Trial.Holds(request.Reply == form, $"the form of the reply is {request.Reply}, and {form} to ReplyFormPeek");
        Trial.Holds(request.Job is null || JobName.IsValid(request.Job), $"the job is called \"{request.Job}\"");
        MeansTheSame(request, line);
        if (line.Length > LongestWritten)
            return;

        byte[] written = trial.Measured(request.ToLine);
        Trial.Holds(written.AsSpan().IndexOf((byte)'\n') == written.Length - 1, "what is written is not one line");
        IsEqual(request, Request.Parse(written.AsSpan(0, written.Length - 1)));
    }

    /// <summary>Compares with the result of another JSON reader.</summary>
    private static void MeansTheSame(Request request, byte[] line)
    {
        using JsonDocument document = JsonDocument.Parse(line, new JsonDocumentOptions { AllowDuplicateProperties = false });
        JsonElement root = document.RootElement;
        Trial.Holds(root.ValueKind == JsonValueKind.Object, "a request is not an object");
        Trial.Holds(Text(root, "job") == request.Job, "another reader finds another job");
        Trial.Holds(Text(root, "user") == request.User, "another reader finds another user");
        Trial.Holds(Text(root, "caller") == request.Caller, "another reader finds another caller");
        Trial.Holds(Has(root, "args", out JsonElement args) == request.Arguments is not null, "another reader finds other arguments");
        Trial.Holds(
            request.Arguments is null || Json.Same(args, JsonElement.Parse(request.Arguments)), "another reader finds other arguments");
        Trial.Holds(Has(root, "env", out JsonElement env) == request.Environment is not null, "another reader finds another environment");
        Trial.Holds(
            request.Environment is null || env.GetPropertyCount() == request.Environment.Count, "another reader finds other variables");
        Trial.Holds(Has(root, "timeout", out JsonElement timeout) == request.Timeout is not null, "another reader finds another timeout");
        Trial.Holds(request.Timeout is not { } seconds || timeout.GetDouble().Equals(seconds), "another reader finds another timeout");
    }

    private static bool Has(JsonElement root, string name, out JsonElement value) => root.TryGetProperty(name, out value);

    /// <summary>The same bytes as arguments that a program passes to the client.</summary>
    private static void IsWrittenOrRefused(Request request)
    {
        byte[] written;
        try
        {
            written = request.ToLine();
        }
        catch (RequestException refused)
        {
            Trial.IsReason(refused.Message);
            return;
        }

        IsEqual(request, Request.Parse(written.AsSpan(0, written.Length - 1)));
    }

    private static string? Text(JsonElement root, string name)
    {
        if (!root.TryGetProperty(name, out JsonElement value))
            return null;
        return value.ValueKind == JsonValueKind.String ? value.GetString() : value.GetRawText();
    }

    private static void IsEqual(Request first, Request second)
    {
        Trial.Holds(
            first with { Arguments = null, Environment = null } == second with { Arguments = null, Environment = null },
            $"written and read again, {first} is {second}");
        Trial.Holds(
            first.Arguments is null == second.Arguments is null
                && (first.Arguments is null || Json.Same(first.Arguments, second.Arguments!)),
            "written and read again, the arguments are others");
        Trial.Holds(
            first.Environment is null == second.Environment is null && Pairs(first).SequenceEqual(Pairs(second)),
            "written and read again, the environment is another");
    }

    private static IEnumerable<KeyValuePair<string, string>> Pairs(Request request) =>
        (request.Environment ?? []).OrderBy(pair => pair.Key, StringComparer.Ordinal);
}
