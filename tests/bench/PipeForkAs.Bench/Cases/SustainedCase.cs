using System.Globalization;
using PipeForkAs.Bench.Contenders;

namespace PipeForkAs.Bench.Cases;

/// <summary>Jobs for minutes, alternating with the floor.</summary>
/// <param name="Load">The load of both.</param>
/// <param name="Before">The daemon's memory at rest after its first requests.</param>
/// <param name="After">Its memory at rest after all.</param>
internal sealed record SustainedResult(Comparison Load, Memory Before, Memory After)
{
    public double Growth => (double)After.Total / Before.Total - 1;

    /// <summary>How many jobs the daemon ran in between.</summary>
    public long Jobs => Load[Field.DefaultName]!.Rounds.Sum(round => round?.Right ?? 0);
}

/// <summary>The worker mix of the tests.</summary>
internal sealed record SoakResult(LoadResult? Load, Memory Before, Memory After)
{
    public double Growth => (double)After.Total / Before.Total - 1;
}

internal static class SustainedCase
{
    private const int Clients = 16;
    private const int MixClients = 8;

    /// <summary>Requests before memory is measured first: code that has never run has no pages.</summary>
    private const int WarmRequests = 500;

    public static async Task<SustainedResult> RunAsync(Place place)
    {
        string floorSocket = place.Fresh("floor");
        await using Server floor = await Server.StartAsync(place, floorSocket, [place.Floor, floorSocket, place.User.Name]);
        await using Server daemon = await Daemon.StartAsync(place, MemoryCase.FewWorkers);
        string request = Daemon.Request(place, "id");
        await place.LoadAsync(
            "before sustained", "-n", Text(WarmRequests), "-c", Text(Clients), "-e", Uid(place), "-r", request, daemon.Socket);
        Memory before = await Memory.AtRestAsync(daemon, MemoryCase.FewWorkers, place.Cancellation);
        Comparison load = await Comparison.RunAsync(place, $"{Clients} clients for long", place.Settings.SustainedRounds,
        [
            new(Field.FloorName, [.. Options(place), "-r", "id", floorSocket]),
            new(Field.DefaultName, [.. Options(place), "-r", request, daemon.Socket]),
        ]);
        return new SustainedResult(load, before, await Memory.AtRestAsync(daemon, MemoryCase.FewWorkers, place.Cancellation));
    }

    /// <summary>
    /// Collections, threads, tasks, timers, files, processes, exceptions and finalizers, in any order, each with its own seed. A job that
    /// hangs ends with timeout, one that aborts with signaled.
    /// </summary>
    public static async Task<SoakResult> SoakAsync(Place place, int count)
    {
        await using Server daemon = await Daemon.StartAsync(
            place, MemoryCase.FewWorkers, "pipeforkas-test-jobs", ("JobTimeout", "00:00:50"));
        string[] options = [
            "-c", Text(MixClients), "-f", "-x", "ok", "-r", Daemon.Request(place, "mix", """{"seed":{n},"steps":4}""", frames: true),
                daemon.Socket];
        await place.LoadAsync("before the soak", ["-n", Text(WarmRequests), .. options]);
        Memory before = await Memory.AtRestAsync(daemon, MemoryCase.FewWorkers, place.Cancellation);
        LoadResult? did = await place.LoadAsync("soak", ["-n", Text(count), .. options]);
        return new SoakResult(did, before, await Memory.AtRestAsync(daemon, MemoryCase.FewWorkers, place.Cancellation));
    }

    private static string[] Options(Place place) =>
        ["-n", "10000000", "-t", place.Settings.SustainedSeconds.ToString(CultureInfo.InvariantCulture), "-c", Text(Clients), "-w", "5",
            "-e", Uid(place)];

    private static string Uid(Place place) => $"uid={place.User.Uid}";

    private static string Text(int number) => number.ToString(CultureInfo.InvariantCulture);
}
