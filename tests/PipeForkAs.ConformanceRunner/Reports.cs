using System.Text.Json;
using System.Text.Json.Nodes;

namespace PipeForkAs.ConformanceRunner;

/// <summary>What the runner answers.</summary>
internal static class Reports
{
    public static JsonObject End(JobResult result)
    {
        var answer = new JsonObject { ["outcome"] = "result" };
        AddEnd(answer, result);
        return answer;
    }

    public static void AddEnd(JsonObject answer, JobResult result)
    {
        answer["code"] = result.Code.ToWire();
        answer["exit"] = result.ExitCode;
        answer["signal"] = result.Signal;
        answer["message"] = result.Message;
        answer["error"] = result.Error is { } error
            ? new JsonObject { ["type"] = error.Type, ["message"] = error.Message, ["errno"] = error.Errno }
            : null;
        answer["job"] = result.Job;
        answer["user"] = result.User;
        answer["uid"] = result.Uid;
    }

    /// <summary>The types of the client have the names of the protocol.</summary>
    public static JsonObject Value<T>(T value) =>
        new() { ["outcome"] = "result", ["value"] = JsonSerializer.SerializeToNode(value) };
}
