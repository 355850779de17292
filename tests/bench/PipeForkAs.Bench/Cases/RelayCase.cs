using System.Globalization;
using PipeForkAs.Bench.Contenders;

namespace PipeForkAs.Bench.Cases;

/// <summary>The speed of large outputs, and the fairness among many outputs.</summary>
internal static class RelayCase
{
    public const string Text = "pipeforkas, text";
    public const string Frames = "pipeforkas, frames";

    /// <summary>
    /// One stream: the same program writes for the floor and, as a command job, for pipeforkas; and a job that copies its input.
    /// </summary>
    public static async Task<Comparison> ThroughputAsync(Place place)
    {
        long bytes = place.Settings.RelayBytes;
        string count = bytes.ToString(CultureInfo.InvariantCulture);
        string floorSocket = place.Fresh("floor");
        await using Server floor = await Server.StartAsync(place, floorSocket, [place.Floor, floorSocket, place.User.Name, count]);
        await using Server daemon = await Daemon.StartAsync(place);
        string arguments = $$"""{"bytes":{{count}}}""";
        string[] common = ["-n", "1", "-b", count];
        return await Comparison.RunAsync(place, $"Relay of {bytes >> 20:N0} MiB", place.Settings.Rounds,
        [
            new(Field.FloorName, [.. common, "-r", "write", floorSocket]),
            new(Text, [.. common, "-r", Daemon.Request(place, Daemon.WriteJob, arguments), daemon.Socket]),
            new(Frames, [.. common, "-f", "-r", Daemon.Request(place, Daemon.WriteJob, arguments, frames: true), daemon.Socket]),
            new("pipeforkas, job cat: in and out, text", [.. common, "-z", count, "-r", Daemon.Request(place, "cat"), daemon.Socket]),
            new("pipeforkas, job cat: in and out, frames",
                [.. common, "-z", count, "-f", "-r", Daemon.Request(place, "cat", frames: true), daemon.Socket]),
        ]);
    }

    /// <summary>
    /// Many streams at once, as text and in frames; and without a relay, which shows the fairness of the machine and the reader.
    /// </summary>
    public static async Task<Comparison> StreamsAsync(Place place)
    {
        string directSocket = place.Fresh("direct");
        await using Server direct = await Server.StartAsync(place, directSocket, [place.Floor, "--direct", directSocket]);
        await using Server daemon = await Daemon.StartAsync(place);
        int count = place.Settings.StreamCount;
        string[] common =
        [
            "-c", count.ToString(CultureInfo.InvariantCulture), "-s", place.Settings.StreamSeconds.ToString(CultureInfo.InvariantCulture),
        ];
        const string endless = """{"bytes":0}""";
        return await Comparison.RunAsync(place, $"{count} streams at once", place.Settings.StreamRounds,
        [
            new("no relay, for comparison", [.. common, "-r", "write", directSocket]),
            new(Text, [.. common, "-r", Daemon.Request(place, Daemon.WriteJob, endless), daemon.Socket]),
            new(Frames, [.. common, "-r", Daemon.Request(place, Daemon.WriteJob, endless, frames: true), daemon.Socket]),
        ]);
    }

    /// <summary>By how much the fastest of the streams was faster than the slowest: 0.2 is 20 %.</summary>
    public static double Spread(LoadResult result) => result.Streams.Max() / result.Streams.Min() - 1;
}
