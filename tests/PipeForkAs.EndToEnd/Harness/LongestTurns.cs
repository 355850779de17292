using System.Collections.Concurrent;
using System.Globalization;
using System.Text.RegularExpressions;

[assembly: AssemblyFixture(typeof(PipeForkAs.EndToEnd.Harness.LongestTurns))]

namespace PipeForkAs.EndToEnd.Harness;

/// <summary>
/// Prints, after all tests, the longest turn of the event loops of all daemons, and the long turns with their tests. Other processes on the
/// machine make turns longer, so they fail no test.
/// </summary>
public sealed partial class LongestTurns : IDisposable
{
    /// <summary>The duration in milliseconds from which a turn is printed.</summary>
    private const double Worth = 20;

    private static readonly ConcurrentQueue<(double Milliseconds, string Line)> Turns = new();

    /// <summary>Records what a daemon logs about its longest turn.</summary>
    public static void Note(string? line)
    {
        if (line is null || Words().Match(line) is not { Success: true } match)
            return;
        string test = TestContext.Current.Test?.TestDisplayName ?? "a test's end";
        Turns.Enqueue((double.Parse(match.Groups[1].Value, CultureInfo.InvariantCulture), $"{match.Value} ({test})"));
    }

    public void Dispose()
    {
        (double Milliseconds, string Line)[] all = [.. Turns.OrderByDescending(static turn => turn.Milliseconds)];
        Console.WriteLine(
            $"measured: {all.Length} daemons, {all.Count(static turn => turn.Milliseconds >= Worth)} of them with a turn "
            + $"of {Worth} ms or more");
        foreach ((_, string line) in all.TakeWhile(static (turn, at) => at == 0 || turn.Milliseconds >= Worth))
            Console.WriteLine($"measured: {line}");
    }

    [GeneratedRegex(@"longest turn of the event loop took (\d+\.\d) ms \(.*", RegexOptions.CultureInvariant)]
    private static partial Regex Words();
}
