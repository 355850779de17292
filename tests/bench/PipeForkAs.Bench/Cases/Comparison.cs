namespace PipeForkAs.Bench.Cases;

/// <summary>A participant of a comparison.</summary>
/// <param name="Name">For the table.</param>
/// <param name="Options">All arguments for the load generator.</param>
internal sealed record Entrant(string Name, IReadOnlyList<string> Options);

/// <summary>The measurements of one participant.</summary>
/// <param name="Name">For the table.</param>
/// <param name="Rounds">One for each round; null if nothing was measured.</param>
internal sealed record Row(string Name, LoadResult?[] Rounds)
{
    /// <summary>The median of all rounds; NaN if nothing was measured.</summary>
    public double Median(Func<LoadResult, double> value) => Statistics.Median(Rounds.OfType<LoadResult>().Select(value));

    /// <summary>
    /// The median of the ratios of each round to the same round of another: a temporary slowdown of the machine affects both.
    /// </summary>
    public double Ratio(Row to, Func<LoadResult, double> value) => Statistics.Median(
        Rounds.Zip(to.Rounds).Where(pair => pair is { First: not null, Second: not null }).Select(
            pair => value(pair.First!) / value(pair.Second!)));
}

/// <summary>Participants that alternated. The others are compared with the first.</summary>
internal sealed record Comparison(string Title, IReadOnlyList<Row> Rows)
{
    public Row Baseline => Rows[0];

    /// <summary>
    /// The ratio of the fastest to the slowest round of the first participant: 1 on an idle machine. Ratios mean little if this is large.
    /// </summary>
    public double Disturbance =>
        Baseline.Rounds.OfType<LoadResult>().Select(Rate).ToArray() is { Length: > 0 } rates ? rates.Max() / rates.Min() : double.NaN;

    public Row? this[string name] => Rows.FirstOrDefault(row => row.Name == name);

    /// <summary>Alternates them: each round measures all of them, beginning with another one.</summary>
    public static async Task<Comparison> RunAsync(Place place, string title, int rounds, IReadOnlyList<Entrant> entrants)
    {
        Row[] rows = [.. entrants.Select(entrant => new Row(entrant.Name, new LoadResult?[rounds]))];
        for (int round = 0; round < rounds; round++)
        {
            for (int turn = 0; turn < entrants.Count; turn++)
            {
                int i = (round + turn) % entrants.Count;
                rows[i].Rounds[round] = await place.LoadAsync($"{title}, {entrants[i].Name}", entrants[i].Options);
            }
        }

        return new Comparison(title, rows);
    }

    private static double Rate(LoadResult result) =>
        double.IsNaN(result.RequestsPerSecond) ? result.MegabytesPerSecond : result.RequestsPerSecond;
}

internal static class Statistics
{
    /// <summary>The middle of the values, or the mean of both in the middle; NaN of none.</summary>
    public static double Median(IEnumerable<double> values)
    {
        double[] sorted = [.. values.Order()];
        return sorted.Length == 0 ? double.NaN : (sorted[(sorted.Length - 1) / 2] + sorted[sorted.Length / 2]) / 2;
    }
}
