using PipeForkAs.EndToEnd.Harness;
using PipeForkAs.Protocol.Client;

namespace PipeForkAs.EndToEnd;

[Trait("Takes", "long")]
public sealed class LeakTests
{
    private const int Count = 5_000;
    private const int MemoryMargin = 4 * 1024 * 1024;

    [Fact(Timeout = Bound.Test)]
    public async Task Thousands_of_requests_leak_no_descriptors_memory_or_processes()
    {
        await using DaemonProcess daemon = await DaemonProcess.StartAsync();

        // The garbage collector uses a certain amount of memory, and then no more.
        await Crowd.ManyAsync(2 * Count, atOnce: 8, _ => RawClient.RunAsync(daemon, "id"));
        Footprint before = await Footprint.AtRestAsync(daemon);

        await AskAsync(daemon, Count);
        await before.RestoredAsync(daemon, TimeSpan.FromSeconds(10));

        // The daemon collects garbage when it has been idle for a moment.
        await Bound.UntilAsync(
            () => Footprint.Of(daemon).GrewLessThan(before, MemoryMargin), () => $"{before} became {Footprint.Of(daemon)}");
        TestContext.Current.SendDiagnosticMessage("{0}, and after {1} requests {2}", before, Count, Footprint.Of(daemon));
        Assert.Equal(0, await daemon.StopAsync());
    }

    private static async Task AskAsync(DaemonProcess daemon, int count)
    {
        for (int i = 0; i < count; i++)
        {
            if (i % 2 == 0)
                Assert.Equal(ReplyCode.Ok, (await RawClient.RunAsync(daemon, "id")).End.Code);
            else
                Assert.StartsWith("uid=", await RawClient.TextAsync(daemon, $$"""{"job":"id","user":"{{TestUsers.Bob}}"}"""));
        }
    }
}
