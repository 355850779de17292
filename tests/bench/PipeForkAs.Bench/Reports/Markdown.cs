using System.Globalization;
using System.Text;
using PipeForkAs.Bench.Cases;

namespace PipeForkAs.Bench.Reports;

/// <summary>The report: tables that are readable as text and as Markdown.</summary>
internal static class Markdown
{
    public static string Write(Results results)
    {
        var text = new StringBuilder();
        Settings settings = results.Settings;
        text.AppendLine(
            settings.Soak > 0 ? "# PipeForkAs: soak" : $"# PipeForkAs: benchmark{(settings.Quick ? ", a quick run" : "")}").AppendLine();
        text.AppendLine($"{results.Date:yyyy-MM-dd HH:mm} UTC, commit {settings.Commit}, {results.Elapsed.TotalSeconds:0} s.").AppendLine(
            $"{Machine.Describe()}, load {results.LoadBefore} before and {results.LoadAfter} after.").AppendLine();
        foreach (Comparison comparison in new[] { results.OneClient, results.WithPauses, results.FewClients, results.ManyClients,
            results.Bursts, results.BesideIdle }.OfType<Comparison>())
            Latency(text, comparison);
        if (results.Missing.Count > 0)
            text.AppendLine(
                $"Not here: {string.Join("; ", results.Missing.Select(missing => $"{missing.Name} ({missing.Reason})"))}.").AppendLine();
        Command(text, results.Command);
        if (results.Remote is { } remote)
            Ratios(text, remote);
        Relay(text, results.Relay);
        Streams(text, results.Streams);
        Sustained(text, results.Sustained);
        Memory(text, results.Memory);
        if (results.Start is { } start)
        {
            Title(text, "Start", "from start to", "ms");
            Line(text, "pipeforkas: ready (sd_notify)", F1(start.Ready));
            Line(text, "pipeforkas: first reply", F1(start.Answered));
            Line(text, "floor: first reply", F1(start.FloorAnswered)).AppendLine();
        }

        Soak(text, results.Soak);
        Aimed(text, results);
        if (Aims.Of(results).Any(aim => !aim.IsDecided))
            text.AppendLine(
                "\"Disturbed\": the floor's own rounds differ so much that the machine did other things beside; measure again on a quiet "
                + "one.")
                .AppendLine();
        text.AppendLine("## Errors").AppendLine();
        text.AppendLine(
            results.Problems.Count == 0
            ? "None: every reply was right."
            : string.Join('\n', results.Problems.Select(problem => $"- {problem.ReplaceLineEndings(" ")}")));
        return text.ToString();
    }

    private static long Count(LoadResult load, string value) => long.Parse(load.Values[value], CultureInfo.InvariantCulture);

    private static void Latency(StringBuilder text, Comparison comparison)
    {
        Title(text, comparison.Title, "microseconds", "p50", "p90", "p99", "requests/s", "p50 ratio", "p99 ratio", "requests/s ratio");
        foreach (Row row in comparison.Rows)
        {
            Line(
                text, row.Name, F0(row.Median(r => r.P50)), F0(row.Median(r => r.P90)), F0(row.Median(r => r.P99)),
                F0(row.Median(r => r.RequestsPerSecond)),
                F2(row.Ratio(comparison.Baseline, r => r.P50)), F2(row.Ratio(comparison.Baseline, r => r.P99)),
                F2(row.Ratio(comparison.Baseline, r => r.RequestsPerSecond)));
        }

        Spread(text, comparison);
    }

    private static void Command(StringBuilder text, CommandResult? result)
    {
        if (result is null)
            return;
        Ratios(text, result.Field);
        Ratios(text, result.Streams);
        text.AppendLine($"Threads of the command while a job runs: {result.Threads}.").AppendLine();
    }

    /// <summary>Times with the ratio of each round to the first row's.</summary>
    private static void Ratios(StringBuilder text, Comparison comparison)
    {
        Title(text, comparison.Title, "milliseconds", "p50", "p90", "p50 ratio", "ratio of each round");
        foreach (Row row in comparison.Rows)
        {
            Line(
                text, row.Name, F2(row.Median(r => r.P50) / 1000), F2(row.Median(r => r.P90) / 1000),
                F2(row.Ratio(comparison.Baseline, r => r.P50)),
                string.Join(' ', row.Rounds.Zip(comparison.Baseline.Rounds).Select(
                    pair => pair is { First: { } own, Second: { } first } ? F2(own.P50 / first.P50) : "-")));
        }

        Spread(text, comparison);
    }

    private static void Relay(StringBuilder text, Comparison? comparison)
    {
        if (comparison is null)
            return;
        Title(text, comparison.Title, "", "MB/s", "ratio");
        foreach (Row row in comparison.Rows)
            Line(text, row.Name, F0(row.Median(r => r.MegabytesPerSecond)), F2(row.Ratio(comparison.Baseline, r => r.MegabytesPerSecond)));
        Spread(text, comparison);
    }

    private static void Streams(StringBuilder text, Comparison? comparison)
    {
        if (comparison is null)
            return;
        Title(text, comparison.Title, "", "MB/s together", "slowest MB", "fastest MB", "fastest over slowest");
        foreach (Row row in comparison.Rows)
        {
            Line(
                text, row.Name, F0(row.Median(r => r.MegabytesPerSecond)), F1(row.Median(r => r.Streams.Min() / 1e6)),
                F1(row.Median(r => r.Streams.Max() / 1e6)),
                $"{F1(row.Median(RelayCase.Spread) * 100)} %");
        }

        text.AppendLine();
    }

    private static void Sustained(StringBuilder text, SustainedResult? result)
    {
        if (result is null)
            return;
        Title(text, result.Load.Title, "", "jobs", "jobs/s", "p50", "p99", "max", "jobs/s ratio");
        foreach (Row row in result.Load.Rows)
        {
            Line(
                text, row.Name, $"{row.Rounds.Sum(round => round?.Right ?? 0):N0}", F0(row.Median(r => r.RequestsPerSecond)),
                F0(row.Median(r => r.P50)), F0(row.Median(r => r.P99)),
                F0(row.Median(r => r.Max)), F2(row.Ratio(result.Load.Baseline, r => r.RequestsPerSecond)));
        }

        Spread(text, result.Load);
        BeforeAfter(text, result.Before, result.After);
    }

    private static void Soak(StringBuilder text, SoakResult? result)
    {
        if (result is null)
            return;
        Title(text, "Soak: the worker mix", "", "workers", "right", "seconds", "workers/s", "max ms", "ends");
        if (result.Load is { } load)
            Line(text, "pipeforkas, 4 workers",
                $"{load.Right + Count(load, "bad") + Count(load, "err"):N0}",
                $"{load.Right:N0}",
                F1(load.Seconds),
                F0(load.RequestsPerSecond),
                F0(load.Max / 1000),
                load.Codes);
        text.AppendLine();
        BeforeAfter(text, result.Before, result.After);
    }

    private static void Memory(StringBuilder text, MemoryResult? result)
    {
        if (result is null)
            return;
        Title(text, "Memory at rest", "Pss, MB", "daemon", "job host", "workers", "together");
        Set(text, $"{result.Few.WorkerCount} workers", result.Few);
        Set(text, $"{result.Many.WorkerCount} workers", result.Many);
        text.AppendLine().AppendLine($"A further worker: {result.FurtherWorker / 1e6:0.00} MB.").AppendLine();
    }

    private static void BeforeAfter(StringBuilder text, Cases.Memory before, Cases.Memory after)
    {
        Header(text, "Pss, MB", "daemon", "job host", "workers", "together");
        Set(text, "before", before);
        Set(text, "after", after);
        text.AppendLine();
    }

    private static void Set(StringBuilder text, string name, Cases.Memory memory) =>
        Line(text, name, F2(memory.Daemon / 1e6), F2(memory.JobHosts / 1e6), F2(memory.Workers / 1e6), F2(memory.Total / 1e6));

    private static void Aimed(StringBuilder text, Results results)
    {
        Aim[] aims = [.. Aims.Of(results)];
        if (aims.Length == 0)
            return;
        Title(text, "Aims", "", "measured", "aim", "");
        foreach (Aim aim in aims)
        {
            Line(
                text, aim.Name, $"{F2(aim.Measured)}{aim.Unit}",
                $"{(aim.AtMost ? "at most" : "at least")} {aim.Bound.ToString(CultureInfo.InvariantCulture)}{aim.Unit}",
                (aim.IsMet ? "met" : $"missed by {aim.MissedBy * 100:0} %") + (aim.IsDecided ? "" : ", but disturbed"));
        }

        text.AppendLine();
    }

    /// <summary>The other load of the machine.</summary>
    private static void Spread(StringBuilder text, Comparison comparison) =>
        text.AppendLine().AppendLine(
            $"{comparison.Baseline.Rounds.Length} rounds; between the slowest and the fastest "
            + $"of {comparison.Baseline.Name}: a factor of {F2(comparison.Disturbance)}.")
            .AppendLine();

    private static void Title(StringBuilder text, string title, params string[] columns)
    {
        text.AppendLine($"## {title}").AppendLine();
        Header(text, columns);
    }

    private static void Header(StringBuilder text, params string[] columns)
    {
        Line(text, columns[0], columns[1..]);
        Line(text, new string('-', 40), [.. columns[1..].Select(column => new string('-', Math.Max(column.Length, 10) - 1) + ":")],
            columns[1..]);
    }

    private static StringBuilder Line(StringBuilder text, string name, params string[] cells) => Line(text, name, cells, cells);

    private static StringBuilder Line(StringBuilder text, string name, string[] cells, string[] columns) =>
        text.AppendLine($"| {name,-40} | {string.Join(" | ", cells.Select((cell, i) => cell.PadLeft(Math.Max(columns[i].Length, 10))))} |");

    private static string F0(double value) => Format(value, "0");

    private static string F1(double value) => Format(value, "0.0");

    private static string F2(double value) => Format(value, "0.00");

    private static string Format(double value, string format) =>
        double.IsNaN(value) ? "-" : value.ToString(format, CultureInfo.InvariantCulture);
}
