using System.Diagnostics;
using System.Globalization;
using PipeForkAs.Protocol.Client;

namespace PipeForkAs.EndToEnd.Harness;

/// <summary>Another user, who asks while somebody attacks.</summary>
/// <remarks>
/// A busy machine delays answers too. So an answer is compared with what the same work takes at the same time without the daemon
/// (<see cref="PlainService"/>), and on a machine that was late an attack is measured again. The daemon's own delays, of seconds in each
/// measurement, are found all the same.
/// </remarks>
internal static class Bystander
{
    /// <summary>The slowest answer that another user may see during an attack that costs the daemon time.</summary>
    private static readonly TimeSpan Bearable = TimeSpan.FromSeconds(0.5);

    /// <summary>
    /// The slowest answer during an attack that makes its victim hang for longer than this.
    /// Other tests that run at the same time may delay an answer, but not for so long.
    /// </summary>
    public static readonly TimeSpan WithoutHanging = TimeSpan.FromSeconds(5);

    /// <summary>The most that counts as the machine's delay: the daemon could be the reason for more.</summary>
    private static readonly TimeSpan MostLate = TimeSpan.FromSeconds(1.5);

    /// <summary>From here on the machine is late. A measurement on a machine that is not late is not repeated.</summary>
    private static readonly TimeSpan Late = TimeSpan.FromSeconds(0.05);

    private const int MostMeasurements = 3;

    /// <summary>
    /// Asks for a short job again and again, during an attack that goes on. Each answer must be good, and none may be too slow.
    /// </summary>
    /// <param name="daemon">The daemon.</param>
    /// <param name="time">How long one measurement takes.</param>
    public static Task IsNotDelayedAsync(DaemonProcess daemon, TimeSpan time) =>
        IsNotDelayedAsync(() => SlowestAnswerAsync(daemon, time));

    /// <summary>
    /// Asks for a short job again and again, after an attack that would make the daemon hang once, for longer than
    /// <see cref="WithoutHanging"/>. Each answer must be good.
    /// </summary>
    public static async Task DoesNotHangAsync(DaemonProcess daemon, TimeSpan time)
    {
        TimeSpan slowest = await SlowestAnswerAsync(daemon, time);
        Assert.True(slowest < WithoutHanging, $"the slowest answer took {Text(slowest)}");
    }

    /// <summary>Measures an attack, up to three times where the machine is late. Another user's answers may not be too slow.</summary>
    /// <param name="attackedAsync">Makes the attack, or is within it, and returns the time of the slowest answer.</param>
    /// <param name="bearable">The slowest answer on a machine that is not late; by default half a second.</param>
    /// <param name="measurements">The most measurements; 1 for what cannot be repeated.</param>
    public static async Task IsNotDelayedAsync(
        Func<Task<TimeSpan>> attackedAsync, TimeSpan? bearable = null, int measurements = MostMeasurements)
    {
        await using PlainService plain = await PlainService.StartAsync();
        for (int left = measurements; ; left--)
        {
            (TimeSpan slowest, TimeSpan late) = await MeasureAsync(plain, attackedAsync);
            if (slowest < (bearable ?? Bearable) + (late < MostLate ? late : MostLate))
                return;
            string took = $"the slowest answer took {Text(slowest)}, the slowest without the daemon {Text(late)}";
            Assert.True(left > 1 && late >= Late, took);
            Console.WriteLine($"measured: {took}; once more");
        }
    }

    private static async Task<(TimeSpan Slowest, TimeSpan Late)> MeasureAsync(PlainService plain, Func<Task<TimeSpan>> attackedAsync)
    {
        using var end = new CancellationTokenSource();
        Task<TimeSpan> late = plain.SlowestAnswerAsync(end.Token);
        try
        {
            TimeSpan slowest = await attackedAsync();
            await end.CancelAsync();
            return (slowest, await late);
        }
        finally
        {
            await end.CancelAsync();
            await ((Task)late).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }

    private static async Task<TimeSpan> SlowestAnswerAsync(DaemonProcess daemon, TimeSpan time)
    {
        TimeSpan slowest = TimeSpan.Zero;
        long begun = Stopwatch.GetTimestamp();
        while (Stopwatch.GetElapsedTime(begun) < time)
        {
            long asked = Stopwatch.GetTimestamp();
            FramedReply reply = await RawClient.RunAsync(daemon, "id", user: TestUsers.Bob);
            Assert.True(reply.End.Code == ReplyCode.Ok, $"{reply.End.Code.ToWire()}: {reply.End.Message}");
            TimeSpan took = Stopwatch.GetElapsedTime(asked);
            slowest = took > slowest ? took : slowest;
        }

        return slowest;
    }

    private static string Text(TimeSpan time) => string.Create(CultureInfo.InvariantCulture, $"{time.TotalSeconds:0.000} s");
}
