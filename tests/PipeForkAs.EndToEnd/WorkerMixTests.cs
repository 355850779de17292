using System.Diagnostics;
using PipeForkAs.EndToEnd.Harness;
using PipeForkAs.Protocol.Client;

namespace PipeForkAs.EndToEnd;

[Trait("Takes", "long")]
public sealed class WorkerMixTests
{
    /// <summary>1,000 workers; 20,000 with PIPEFORKAS_SOAK=1.</summary>
    private static readonly int Count = Environment.GetEnvironmentVariable("PIPEFORKAS_SOAK") == "1" ? 20_000 : 1_000;

    [Fact(Timeout = Bound.Test)]
    public async Task Workers_with_mixed_collections_threads_tasks_files_and_exceptions_all_succeed()
    {
        // A worker that hangs ends with the code timeout, one that aborts with signaled.
        await using DaemonProcess daemon = await DaemonProcess.StartAsync(c => c["Limits"]!["JobTimeout"] = "00:01:00");
        var watch = Stopwatch.StartNew();
        EndRecord[] ends = await Crowd.ManyAsync(Count, atOnce: 8, async seed =>
        {
            FramedReply reply = await RawClient.RunAsync(daemon, "mix", $$"""{"seed":{{seed}},"steps":4}""");
            return reply.Text == "ok\n" && reply.Stderr.Length == 0
                ? reply.End
                : reply.End with { Code = ReplyCode.Internal, Message = $"{reply.End.Code} {reply.End.Message} {reply.Text}" };
        });

        TestContext.Current.SendDiagnosticMessage(
            "{0} workers in {1:0.0} s: {2}; {3:0} s of processor time, largest resident set {4:0.0} MB",
            Count, watch.Elapsed.TotalSeconds, Crowd.Tally(ends.Select(end => end.Code)), ends.Sum(end => end.Cpu),
            ends.Max(end => end.MaxResidentBytes) / 1e6);
        Assert.DoesNotContain(ends, end => end.Code != ReplyCode.Ok);
        Assert.Equal(0, await daemon.StopAsync());
    }
}
