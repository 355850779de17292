using System.Globalization;

namespace PipeForkAs.Bench;

/// <summary>What the load generator measured; times in microseconds.</summary>
internal sealed record LoadResult(IReadOnlyDictionary<string, string> Values)
{
    public double P50 => Number("p50");

    public double P90 => Number("p90");

    public double P99 => Number("p99");

    public double Max => Number("max");

    public double RequestsPerSecond => Number("req_s");

    public double MegabytesPerSecond => Number("mb_s");

    public double Seconds => Number("seconds");

    public long Right => (long)Number("ok");

    /// <summary>Bytes of each stream.</summary>
    public IReadOnlyList<double> Streams => [.. Values["streams"].Split(',').Select(Parse)];

    /// <summary>The number of replies in frames for each code.</summary>
    public string Codes => Values.GetValueOrDefault("codes", "");

    /// <summary>Reads the line of the generator; null if there is none.</summary>
    public static LoadResult? Read(string output)
    {
        var values = new Dictionary<string, string>();
        foreach (string[] pair in output.Split([' ', '\n'], StringSplitOptions.RemoveEmptyEntries).Select(word => word.Split('=', 2)))
        {
            if (pair.Length == 2)
                values[pair[0]] = pair[1];
        }

        return values.ContainsKey("ok") ? new LoadResult(values) : null;
    }

    private static double Parse(string text) => double.Parse(text, CultureInfo.InvariantCulture);

    private double Number(string name) => Values.TryGetValue(name, out string? text) ? Parse(text) : double.NaN;
}
