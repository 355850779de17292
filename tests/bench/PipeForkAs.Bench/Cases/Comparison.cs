namespace PipeForkAs.Bench.Cases;

/// <summary>One who takes part in a comparison.</summary>
/// <param name="Name">For the table.</param>
/// <param name="Options">All words for the load generator.</param>
internal sealed record Entrant(string Name, IReadOnlyList<string> Options);

/// <summary>What was measured of one entrant.</summary>
/// <param name="Name">For the table.</param>
/// <param name="Rounds">One for each round; null where nothing was measured.</param>
internal sealed record Row(string Name, LoadResult?[] Rounds)
{
    /// <summary>The median of all rounds; NaN where nothing was measured.</summary>
    public double Median(Func<LoadResult, double> value) => Statistics.Median(Rounds.OfType<LoadResult>().Select(value));

    /// <summary>
    /// The median of the ratios of each round to the same round of another: what slows the whole machine for a while slows both.
    /// </summary>
    public double Ratio(Row to, Func<LoadResult, double> value) => Statistics.Median(
        Rounds.Zip(to.Rounds).Where(pair => pair is { First: not null, Second: not null }).Select(
            pair => value(pair.First!) / value(pair.Second!)));
}

/// <summary>Entrants that took turns. The first is the one to which the others are compared.</summary>
internal sealed record Comparison(string Title, IReadOnlyList<Row> Rows)
{
    public Row Baseline => Rows[0];

    /// <summary>
    /// How far the first one's own rounds are apart, the fastest by the slowest: 1 on a machine that does nothing else. A ratio means
    /// little where this is large.
    /// </summary>
    public double Disturbance =>
        Baseline.Rounds.OfType<LoadResult>().Select(Rate).ToArray() is { Length: > 0 } rates ? rates.Max() / rates.Min() : double.NaN;

    public Row? this[string name] => Rows.FirstOrDefault(row => row.Name == name);

    /// <summary>Lets them take turns: each round all of them, each round another one first.</summary>
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
