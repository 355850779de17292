using System.Diagnostics;
using System.Globalization;
using PipeForkAs.Bench.Contenders;
using PipeForkAs.EndToEnd.Harness;

namespace PipeForkAs.Bench.Cases;

/// <summary>Proportional set sizes in bytes: shared pages count in part for each process; proc(5), smaps_rollup.</summary>
internal sealed record Memory(long Daemon, long JobHosts, long Workers, int WorkerCount)
{
    public long Total => Daemon + JobHosts + Workers;

    /// <summary>Of an idle daemon: the configured number of workers waits, after two seconds without requests.</summary>
    /// <param name="daemon">The daemon.</param>
    /// <param name="workers">The number of workers that should wait.</param>
    /// <param name="cancellation">Ends the wait.</param>
    public static async Task<Memory> AtRestAsync(Server daemon, int workers, CancellationToken cancellation)
    {
        var waited = Stopwatch.StartNew();
        while (true)
        {
            int[] hosts = [.. ProcFs.Children(daemon.Pid)];
            int[] waiting = [.. hosts.SelectMany(ProcFs.Children)];
            if (waiting.Length == workers)
            {
                // The daemon collects garbage after an idle second.
                await Task.Delay(2000, cancellation);
                if (hosts.SelectMany(ProcFs.Children).ToHashSet().SetEquals(waiting))
                    return new Memory(Pss(daemon.Pid), hosts.Sum(Pss), waiting.Sum(Pss), waiting.Length);
            }

            if (waited.Elapsed > TimeSpan.FromSeconds(20))
                throw new TimeoutException($"{waiting.Length} workers wait, not {workers}");
            await Task.Delay(20, cancellation);
        }
    }

    private static long Pss(int pid)
    {
        string line = File.ReadLines($"/proc/{pid}/smaps_rollup").First(text => text.StartsWith("Pss:", StringComparison.Ordinal));
        return long.Parse(line.Split(' ', StringSplitOptions.RemoveEmptyEntries)[1], CultureInfo.InvariantCulture) * 1024;
    }
}

/// <summary>The memory of an idle daemon, and of a waiting worker.</summary>
/// <param name="Few">With <see cref="MemoryCase.FewWorkers"/>.</param>
/// <param name="Many">With <see cref="MemoryCase.ManyWorkers"/>.</param>
internal sealed record MemoryResult(Memory Few, Memory Many)
{
    /// <summary>Bytes of one additional worker.</summary>
    public double FurtherWorker => (double)(Many.Total - Few.Total) / (Many.WorkerCount - Few.WorkerCount);
}

internal static class MemoryCase
{
    public const int FewWorkers = 4;
    public const int ManyWorkers = 16;

    /// <summary>One daemon after the other: two at once would share memory, and each would look smaller.</summary>
    public static async Task<MemoryResult> RunAsync(Place place) =>
        new(await OfAsync(place, FewWorkers), await OfAsync(place, ManyWorkers));

    private static async Task<Memory> OfAsync(Place place, int workers)
    {
        await using Server daemon = await Daemon.StartAsync(place, workers);
        return await Memory.AtRestAsync(daemon, workers, place.Cancellation);
    }
}
