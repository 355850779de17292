using System.Collections.Concurrent;
using System.Text.Json.Nodes;
using PipeForkAs.EndToEnd.Harness;
using PipeForkAs.Protocol.Client;

namespace PipeForkAs.EndToEnd;

/// <summary>A daemon with many waiting workers, all forked from the same memory.</summary>
public sealed class CrowdedDaemon : ConfiguredDaemon
{
    protected override void Configure(JsonObject configuration) =>
        configuration["JobHosts"]![1]!["Workers"] = 32;
}

/// <summary>Tests that workers which are forked from one process share no state that they change, and no values that must differ.</summary>
public sealed class SiblingTests(CrowdedDaemon shared) : IClassFixture<CrowdedDaemon>
{
    private const int Workers = 200;
    private readonly DaemonProcess daemon = shared.Daemon;

    [Fact(Timeout = Bound.Test)]
    public async Task Two_hundred_workers_have_different_random_values()
    {
        IReadOnlyCollection<FramedReply> replies = await RunManyAsync("randoms");

        ILookup<string, string> values = replies
            .SelectMany(reply => reply.Text.Split('\n', StringSplitOptions.RemoveEmptyEntries))
            .ToLookup(line => line.Split('=')[0], line => line.Split('=')[1]);
        Assert.Equal(
            ["GetHashCode", "Guid", "HashCode", "ProcessId", "Random.Shared", "new Random"],
            values.Select(group => group.Key).Order(StringComparer.Ordinal));
        Assert.All(
            values, group =>
                Assert.True(
                    group.Distinct().Count() >= Workers - Collisions(group.Key),
                    $"{group.Key}: {group.Distinct().Count()} different values of {Workers}"));
        Assert.All(replies, reply => Assert.Contains($"ProcessId={reply.End.Pid}\n", reply.Text));
    }

    [Fact(Timeout = Bound.Test)]
    public async Task No_worker_sees_the_state_of_another_and_none_is_used_twice()
    {
        IReadOnlyCollection<FramedReply> replies = await RunManyAsync("static-counter");

        Assert.All(replies, reply => Assert.Equal("1\n", reply.Text));
        Assert.Equal(Workers, replies.Select(reply => reply.End.Pid).Distinct().Count());
    }

    /// <summary>Hashes have 32 bits: among 200 of them two are equal once in 200,000 runs; three pairs practically never.</summary>
    private static int Collisions(string name) => name is "GetHashCode" or "HashCode" ? 2 : 0;

    private async Task<IReadOnlyCollection<FramedReply>> RunManyAsync(string job)
    {
        var replies = new ConcurrentBag<FramedReply>();
        await Parallel.ForEachAsync(Enumerable.Range(0, Workers), new ParallelOptions { MaxDegreeOfParallelism = 16 }, async (_, _) =>
            replies.Add(await RawClient.RunAsync(daemon, job)));
        Assert.All(replies, reply => Assert.Equal(ReplyCode.Ok, reply.End.Code));
        return replies;
    }
}
