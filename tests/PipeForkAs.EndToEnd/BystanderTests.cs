using System.Diagnostics;
using PipeForkAs.EndToEnd.Harness;

namespace PipeForkAs.EndToEnd;

/// <summary>What the tests of attacks stand on: a delay is found, and is not taken for the machine's.</summary>
public sealed class BystanderTests
{
    private const double Delay = 2.5;

    [Fact(Timeout = Bound.Test)]
    public async Task Answers_that_each_attack_delays_fail_the_test_that_measures_them()
    {
        await using PlainService slow = await PlainService.StartAsync(FormattableString.Invariant($"sleep {Delay}; exec id"));
        Exception failure = await Assert.ThrowsAnyAsync<Exception>(() => Bystander.IsNotDelayedAsync(() => AskAsync(slow)));
        Assert.StartsWith("the slowest answer took ", failure.Message, StringComparison.Ordinal);
    }

    [Fact(Timeout = Bound.Test)]
    public async Task Answers_without_a_delay_pass()
    {
        await using PlainService prompt = await PlainService.StartAsync();
        await Bystander.IsNotDelayedAsync(() => AskAsync(prompt));
    }

    private static async Task<TimeSpan> AskAsync(PlainService service)
    {
        long asked = Stopwatch.GetTimestamp();
        await service.AskAsync();
        return Stopwatch.GetElapsedTime(asked);
    }
}
