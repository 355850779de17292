using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace PipeForkAs.ConformanceRunner;

/// <summary>Makes one call of the client.</summary>
/// <param name="call">The call.</param>
/// <param name="output">Takes the standard output of a job whose outputs are streams.</param>
/// <param name="error">Takes its standard error.</param>
internal sealed class Player(JsonObject call, OutputDigest output, OutputDigest error)
{
    private readonly PipeForkAsClient client = call["daemonUid"] switch
    {
        null => new PipeForkAsClient((string)call["socket"]!),
        var uid => new PipeForkAsClient((string)call["socket"]!)
        {
            DaemonUid = uid.GetValueKind() == JsonValueKind.String ? null : (uint)uid,
        },
    };

    public async Task<JsonObject> PlayAsync() => (string)call["call"]! switch
    {
        "run" => await RunAsync(),
        "stream" => await StreamAsync(),
        "list" => Reports.Value(await client.ListAsync()),
        "describe" => Reports.Value(await client.DescribeAsync((string)call["job"]!)),
        "check" => Reports.Value(await client.CheckAsync(Request(), (string?)call["caller"])),
        "status" => Reports.Value(await client.StatusAsync()),
        "sign-in" => Reports.Value(
            await client.SignInAsync((string)call["user"]!, Encoding.UTF8.GetBytes((string)call["password"]!))),
        "cancel" => await CancelAsync(),
        var other => throw new ArgumentException($"there is no call {other}"),
    };

    private async Task<JsonObject> RunAsync()
    {
        await using Stream? input = Input();
        int limit = (int?)call["limit"] ?? PipeForkAsClient.DefaultCaptureBytes;
        JobOutput reply = await client.CaptureAsync(Request(), input, limit);
        if (call["throws"] is not null)
            reply.EnsureSuccess();
        using var kept = new OutputDigest();
        using var keptError = new OutputDigest();
        kept.Write(reply.Stdout.Span);
        keptError.Write(reply.Stderr.Span);
        JsonObject answer = Reports.End(reply.Result);
        answer["stdout"] = kept.Report();
        answer["stderr"] = keptError.Report();
        return answer;
    }

    /// <summary>Cancels by a token. To leave a call is to dispose its stream, so such a call reads a stream.</summary>
    private async Task<JsonObject> StreamAsync()
    {
        await using Stream? input = Input();
        if ((long?)call["leaveAfter"] is { } enough)
            return await LeaveAsync(input, enough);
        using var cancellation = new CancellationTokenSource();
        if ((long?)call["cancelAfter"] is { } count)
            output.At(count, cancellation.CancelAsync);
        if ((long?)call["pauseAfter"] is { } pauseAfter)
            output.At(pauseAfter, () => Task.Delay(TimeSpan.FromSeconds((double)call["pause"]!)));
        return Reports.End(await client.RunAsync(Request(), input, output, error, cancellation.Token));
    }

    private async Task<JsonObject> LeaveAsync(Stream? input, long enough)
    {
        await using Stream stream = await client.OpenReadAsync(Request(), input, error);
        byte[] buffer = new byte[4096];
        while (output.Count < enough)
        {
            int count = await stream.ReadAsync(buffer);
            if (count == 0)
                return new JsonObject { ["outcome"] = "result" };
            await output.WriteAsync(buffer.AsMemory(0, count));
        }

        return new JsonObject { ["outcome"] = "cancelled" };
    }

    private async Task<JsonObject> CancelAsync()
    {
        await client.CancelAsync((long)call["id"]!);
        return new JsonObject { ["outcome"] = "result", ["value"] = null };
    }

    private JobRequest Request() => new((string)call["job"]!)
    {
        User = (string?)call["user"],
        Arguments = call["args"] is { } arguments ? JsonSerializer.SerializeToUtf8Bytes(arguments) : default,
        Environment = call["env"]?.AsObject().ToDictionary(pair => pair.Key, pair => (string)pair.Value!),
        Timeout = (double?)call["timeout"] is { } seconds ? TimeSpan.FromSeconds(seconds) : null,
    };

    private InputStream? Input() =>
        call["input"] is { } content ? new InputStream(content.AsObject(), call["inputFails"] is not null) : null;
}
