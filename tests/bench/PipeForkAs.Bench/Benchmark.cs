using System.Diagnostics;
using PipeForkAs.Bench.Cases;
using PipeForkAs.Bench.Contenders;
using PipeForkAs.Bench.Reports;
using PipeForkAs.LibC;

namespace PipeForkAs.Bench;

/// <summary>A complete run, from the user to the report.</summary>
internal static class Benchmark
{
    /// <summary>Returns whether everything ran and every reply was right.</summary>
    public static async Task<bool> RunAsync(Settings settings, CancellationToken cancellation)
    {
        await using BenchUser user = await BenchUser.MakeAsync();
        string folder = Directory.CreateTempSubdirectory("pipeforkas-bench-").FullName;
        try
        {
            Libc.chmod(folder, 0x1ED); // 0755
            var place = new Place(settings, folder, user.Entry, cancellation);
            var results = new Results(settings);
            var watch = Stopwatch.StartNew();
            await MeasureAsync(place, results);
            results.Elapsed = watch.Elapsed;
            results.LoadAfter = Machine.Load();
            results.Problems = place.Problems;
            await Console.Out.WriteLineAsync(Markdown.Write(results));
            if (settings.Soak == 0 || results.Soak is not null)
                await SaveAsync(settings, results);
            return place.Problems.Count == 0;
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    private static async Task MeasureAsync(Place place, Results results)
    {
        Settings settings = place.Settings;

        // Alone, before anything else of the benchmark runs: memory that two daemons share would look smaller in each.
        if (settings.Does(Settings.Start))
            results.Start = await StepAsync("start to ready", StartCase.RunAsync(place));
        if (settings.Does(Settings.Memory))
            results.Memory = await StepAsync("memory", MemoryCase.RunAsync(place));
        if (settings.Does(Settings.Latency))
            await LatencyAsync(place, results);
        if (settings.Does(Settings.Command))
            results.Command = await StepAsync("command", CommandCase.RunAsync(place));
        if (settings.Does(Settings.Remote))
            results.Remote = await StepAsync("through ssh", RemoteCase.RunAsync(place));
        if (settings.Does(Settings.Relay))
            results.Relay = await StepAsync("relay", RelayCase.ThroughputAsync(place));
        if (settings.Does(Settings.Streams))
            results.Streams = await StepAsync("streams", RelayCase.StreamsAsync(place));
        if (settings.Does(Settings.Sustained))
            results.Sustained = await StepAsync("sustained", SustainedCase.RunAsync(place));
        if (settings.Soak > 0)
            results.Soak = await StepAsync("soak", SustainedCase.SoakAsync(place, settings.Soak));
    }

    private static async Task LatencyAsync(Place place, Results results)
    {
        await using (Field field = await Field.StartAsync(place))
        {
            results.Missing = field.Missing;
            results.OneClient = await StepAsync("one client", LatencyCases.OneClientAsync(place, field));
            results.WithPauses = await StepAsync("one client with pauses", LatencyCases.WithPausesAsync(place, field));
            results.FewClients = await StepAsync("4 clients", LatencyCases.ClientsAsync(place, field, 4));
            results.ManyClients = await StepAsync("16 clients", LatencyCases.ClientsAsync(place, field, 16));
            results.Bursts = await StepAsync("bursts", LatencyCases.BurstsAsync(place, field));
        }

        results.BesideIdle = await StepAsync("beside idle connections", LatencyCases.BesideIdleAsync(place));
    }

    /// <summary>Reports on standard error the current step and how long it took.</summary>
    private static async Task<T> StepAsync<T>(string name, Task<T> step)
    {
        var watch = Stopwatch.StartNew();
        await Console.Error.WriteAsync($"{name} ... ");
        T result = await step;
        await Console.Error.WriteLineAsync($"{watch.Elapsed.TotalSeconds:0.0} s");
        return result;
    }

    private static async Task SaveAsync(Settings settings, Results results)
    {
        Directory.CreateDirectory(settings.Output);
        string name = settings.Soak > 0 ? "soak" : "results";
        string chart = Path.Combine(settings.Output, $"{name}.svg");
        if (results.OneClient is { } comparison)
            await File.WriteAllTextAsync(chart, Chart.Draw(comparison, results.ManyClients));
        string report = Path.Combine(settings.Output, $"{name}.md");
        await File.WriteAllTextAsync(report, Markdown.Write(results));
        await Console.Error.WriteLineAsync($"written: {report}{(results.OneClient is null ? "" : $", {chart}")}");
    }
}
