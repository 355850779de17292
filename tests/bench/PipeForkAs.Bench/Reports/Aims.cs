using PipeForkAs.Bench.Cases;
using PipeForkAs.Bench.Contenders;

namespace PipeForkAs.Bench.Reports;

/// <summary>An aim.</summary>
/// <param name="Name">What is measured.</param>
/// <param name="Measured">The result; NaN if it was not measured.</param>
/// <param name="Bound">The maximum or minimum.</param>
/// <param name="AtMost">Whether it is a maximum.</param>
/// <param name="Unit">The unit of both.</param>
/// <param name="Disturbance">The disturbance of the comparison; 1 if there was none.</param>
internal sealed record Aim(string Name, double Measured, double Bound, bool AtMost, string Unit = "", double Disturbance = 1)
{
    /// <summary>The maximum ratio between rounds of the floor for which a ratio to it is meaningful.</summary>
    private const double Undisturbed = 1.5;

    public bool IsDecided => Disturbance <= Undisturbed;

    public bool IsMet => AtMost ? Measured <= Bound : Measured >= Bound;

    /// <summary>The distance from the bound, relative to the bound.</summary>
    public double MissedBy => Math.Abs(Measured / Bound - 1);
}

internal static class Aims
{
    /// <summary>Those that this run measured.</summary>
    public static IEnumerable<Aim> Of(Results results) => All(results).Where(aim => !double.IsNaN(aim.Measured));

    private static IEnumerable<Aim> All(Results results) =>
    [
        ToFirst("One client: p50 to the floor's", results.OneClient, Field.DefaultName, r => r.P50, 1.15, true),
        ToFirst("One client: p99 to the floor's", results.OneClient, Field.DefaultName, r => r.P99, 1.5, true),
        ToFirst("One client with pauses: p50 to the floor's", results.WithPauses, Field.DefaultName, r => r.P50, 1.0, true),
        ToFirst("16 clients: requests/s to the floor's", results.ManyClients, Field.DefaultName, r => r.RequestsPerSecond, 1.0, false),
        ToFirst("16 clients for long: jobs/s to the floor's", results.Sustained?.Load, Field.DefaultName, r => r.RequestsPerSecond, 1.0,
            false),
        ToFirst("The command: p50 to setpriv's", results.Command?.Field, CommandCase.Name, r => r.P50, 1.15, true),
        new("The command: p50 to runuser's",
            results.Command?.Field is { } field && field[CommandCase.RunuserName] is { } runuser
                ? field[CommandCase.Name]!.Ratio(runuser, r => r.P50) : double.NaN, 0.65, true,
            Disturbance: results.Command?.Field.Disturbance ?? 1),
        new("The command: threads", results.Command?.Threads ?? double.NaN, 1, true),
        ToFirst("Through ssh: p50 to that of ssh host true", results.Remote, RemoteCase.Name, r => r.P50, 1.2, true),
        new("Bursts: p50 to that with 0 workers",
            results.Bursts?[Field.DefaultName]?.Ratio(results.Bursts[Field.OnDemandName]!, r => r.P50) ?? double.NaN, 1.0, true),
        ToFirst("Relay, text: MB/s to the floor's", results.Relay, RelayCase.Text, r => r.MegabytesPerSecond, 0.9, false),
        ToFirst("Relay, frames: MB/s to the floor's", results.Relay, RelayCase.Frames, r => r.MegabytesPerSecond, 0.8, false),
        Alike("64 streams, text: fastest over slowest", results.Streams, RelayCase.Text),
        Alike("64 streams, frames: fastest over slowest", results.Streams, RelayCase.Frames),
        ToFirst("Beside idle connections: p50 to that without", results.BesideIdle, results.BesideIdle?.Rows[1].Name ?? "", r => r.P50,
            1.1, true),
        FromProduct("Python's p50 to pipeforkas's", results.OneClient, Field.PythonName, 8),
        FromProduct("socat's p50 to pipeforkas's", results.OneClient, Field.SocatName, 12),
        FromProduct("sudo's p50 to pipeforkas's", results.OneClient, Field.SudoName, 30),
        new("Memory at rest with 4 workers", results.Memory is { } memory ? memory.Few.Total / 1e6 : double.NaN, 30, true, " MB"),
        new($"The same after {results.Sustained?.Jobs:N0} jobs", results.Sustained is { } used ? used.After.Total / 1e6 : double.NaN, 30,
            true, " MB"),
        new("Memory of a further worker", results.Memory is { } further ? further.FurtherWorker / 1e6 : double.NaN, 0.6, true, " MB"),
        new($"Memory after {results.Sustained?.Jobs:N0} jobs to that before", results.Sustained is { } run ? 1 + run.Growth : double.NaN,
            1.05, true),
        new("Memory after the soak to that before", results.Soak is { } soak ? 1 + soak.Growth : double.NaN, 1.05, true),
    ];

    private static Aim ToFirst(
        string what, Comparison? comparison, string name, Func<LoadResult, double> value, double bound, bool atMost) => new(
        what, comparison?[name] is { } row ? row.Ratio(comparison.Baseline, value) : double.NaN, bound, atMost,
        Disturbance: comparison?.Disturbance ?? 1);

    private static Aim FromProduct(string what, Comparison? comparison, string name, double bound) => new(
        what, comparison?[name] is { } row ? row.Ratio(comparison[Field.DefaultName]!, r => r.P50) : double.NaN, bound, AtMost: false,
        Disturbance: comparison?.Disturbance ?? 1);

    /// <summary>Undecided if streams without a relay are not fairer than the aim.</summary>
    private static Aim Alike(string what, Comparison? comparison, string name)
    {
        const double percent = 20;
        return comparison?[name] is not { } row
            ? new(what, double.NaN, percent, AtMost: true)
            : new(
                what, row.Median(RelayCase.Spread) * 100, percent, AtMost: true, " %",
                comparison.Baseline.Median(RelayCase.Spread) * 100 <= percent ? 1 : double.PositiveInfinity);
    }
}
