using System.Diagnostics;
using PipeForkAs.Protocol.Client;

namespace PipeForkAs.EndToEnd.Harness;

/// <summary>Another user, who asks while somebody attacks.</summary>
internal static class Bystander
{
    /// <summary>The slowest answer that another user may see during an attack.</summary>
    private static readonly TimeSpan Bearable = TimeSpan.FromSeconds(0.5);

    /// <summary>Asks for a short job again and again. Each answer must be good, and none may take more than half a second.</summary>
    /// <param name="daemon">The daemon.</param>
    /// <param name="time">How long it asks.</param>
    public static async Task IsNotDelayedAsync(DaemonProcess daemon, TimeSpan time)
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

        Assert.True(slowest < Bearable, $"the slowest answer took {slowest.TotalSeconds} s");
    }
}
