using System.Text.Json;
using PipeForkAs.Protocol.Client;

namespace PipeForkAs.Protocol.Tests.Fuzz;

/// <summary>Fuzzes requests to the daemon, and end records to a client.</summary>
[Collection(nameof(Fuzzing))]
public sealed class RequestFuzzTests
{
    private static readonly JsonMutation Requests = new(
    [
        ("op", ["\"run\"", "\"check\"", "\"list\"", "\"describe\"", "\"status\"", "\"cancel\""]),
        ("job", ["\"id\"", "\"read-file\"", "\"a.b_c\""]),
        ("user", ["\"alice\"", "1000", "\"1000\"", "\"josé\""]),
        ("args", ["{}", "{\"path\":\"/home/alice\"}", "{\"a\":1,\"b\":[true,null,{\"c\":\"\\n\"}]}"]),
        ("env", ["{}", "{\"LANG\":\"C\"}", "{\"A\":\"\",\"B_1\":\"é\"}"]),
        ("timeout", ["1", "0.5", "1e3"]),
        ("reply", ["\"text\"", "\"frames\""]),
    ]);

    private static readonly JsonMutation Ends = new(
    [
        ("code", ["\"ok\"", "\"failed\"", "\"denied\""]), ("exit", ["0", "null", "255"]), ("signal", ["null", "9"]),
            ("message", ["null", "\"words\""]), ("job", ["\"id\""]), ("user", ["\"alice\""]),
        ("uid", ["1000"]), ("pid", ["4711"]), ("stdout", ["0", "123456789012"]), ("stderr", ["0"]), ("seconds", ["0.01"]),
            ("cpu", ["0.004"]), ("maxrss", ["5242880"]), ("error", ["null", "{\"type\":\"T\",\"message\":\"m\"}"]),
    ]);

    /// <summary>An accepted request is equal when it is written and read again: no later reader understands it differently.</summary>
    [Fact]
    public async Task Requests_are_accepted_or_refused_with_a_reason()
    {
        FuzzResult result = await Fuzzing.RunAsync(Fuzzing.Rounds(50_000), Requests.Next, line =>
        {
            _ = ReplyFormPeek.Of(line);
            try
            {
                Request request = Request.Parse(line);
                if (line.Length < ClientProtocol.MaxRequestBytes / 8)
                {
                    byte[] written = request.ToLine();
                    Assert.Equal(written, Request.Parse(written.AsSpan(0, written.Length - 1)).ToLine());
                }

                return true;
            }
            catch (RequestException refused)
            {
                Assert.True(refused.Message.Length is > 0 and < 1000 && !refused.Message.Any(char.IsControl), refused.Message);
                return false;
            }
        });

        // A run in which nearly all, or nearly no inputs are refused would test little.
        Assert.InRange(result.Taken, result.Rounds / 50, result.Rounds / 2);
    }

    [Fact]
    public async Task End_records_are_accepted_or_refused_with_a_reason()
    {
        FuzzResult result = await Fuzzing.RunAsync(Fuzzing.Rounds(50_000), Ends.Next, json =>
        {
            try
            {
                EndRecord.Parse(json);
                return true;
            }
            catch (JsonException)
            {
                return false;
            }
        });
        Assert.InRange(result.Taken, result.Rounds / 50, result.Rounds * 9 / 10);
    }
}
