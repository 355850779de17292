using System.Diagnostics;
using PipeForkAs.Protocol.Client;

namespace PipeForkAs.EndToEnd.Harness;

/// <summary>Another user, who asks while somebody attacks.</summary>
internal static class Bystander
{
    /// <summary>
    /// The slowest answer that another user may see during an attack that costs the daemon time.
    /// For tests that have the machine to themselves.
    /// </summary>
    private static readonly TimeSpan Bearable = TimeSpan.FromSeconds(0.5);

    /// <summary>
    /// The slowest answer during an attack that makes its victim hang for longer than this.
    /// Other tests that run at the same time may delay an answer, but not for so long.
    /// </summary>
    public static readonly TimeSpan WithoutHanging = TimeSpan.FromSeconds(5);

    /// <summary>Asks for a short job again and again. Each answer must be good, and none may be too slow.</summary>
    /// <param name="daemon">The daemon.</param>
    /// <param name="time">How long it asks.</param>
    /// <param name="bearable">The slowest answer; by default half a second.</param>
    public static async Task IsNotDelayedAsync(DaemonProcess daemon, TimeSpan time, TimeSpan? bearable = null)
    {
        TimeSpan slowest = TimeSpan.Zero;
        long begun = Stopwatch.GetTimestamp();
        while (Stopwatch.GetElapsedTime(begun) < time)
        {
            long asked = Stopwatch.GetTimestamp();
            FramedReply reply = await RawClient.RunAsync(daemon, "id", user: TestUsers.Bob);
            Assert.Equal(ReplyCode.Ok, reply.End.Code);
            TimeSpan took = Stopwatch.GetElapsedTime(asked);
            slowest = took > slowest ? took : slowest;
        }

        Assert.True(slowest < (bearable ?? Bearable), $"the slowest answer took {slowest.TotalSeconds} s");
    }
}
