using System.Text.RegularExpressions;

namespace PipeForkAs.Architecture.Tests;

/// <summary>Checks that the tests in the table of threats exist.</summary>
public sealed partial class ThreatTests
{
    private static readonly string[] Attackers = [
        "Local stranger", "Allowed caller", "Target user", "Hostile job", "Crashed host", "Own mistake"];

    private static readonly string[][] Rows =
    [
        .. File.ReadAllLines(Path.Combine(Repository.Root, "tests", "THREATS.md")).Where(
            line => line.StartsWith("| ", StringComparison.Ordinal)).Skip(2)
            .Select(line => line.Trim('|').Split('|').Select(cell => cell.Trim()).ToArray()),
    ];

    [Fact]
    public void Every_threat_has_an_attacker_an_attack_a_defence_and_a_test()
    {
        Assert.All(
            Rows, row =>
                Assert.True(row.Length == 4 && row[1].Length > 10 && row[2].Length > 10 && Tests(row).Any(), string.Join(" | ", row)));
        Assert.Equal(Attackers, Rows.Select(row => row[0]).Distinct());

        // The column contains nothing but names of tests.
        Assert.All(Rows, row => Assert.Equal(row[3], string.Join(", ", Tests(row).Select(test => $"`{test}`"))));
    }

    [Fact]
    public void Every_test_in_the_table_of_threats_exists()
    {
        string[] missing = [.. Rows.SelectMany(Tests).Distinct().Where(test => !Exists(test))];
        Assert.Empty(missing);
    }

    [Fact]
    public void A_missing_test_is_detected()
    {
        Assert.True(Exists($"{nameof(ThreatTests)}.{nameof(A_missing_test_is_detected)}"));
        Assert.False(Exists($"{nameof(ThreatTests)}.No_such_test"));
        Assert.False(Exists($"{nameof(ThreatTests)}.{nameof(Exists)}"));
        Assert.False(Exists($"{nameof(RepositoryTests)}.{nameof(A_missing_test_is_detected)}"));
    }

    private static IEnumerable<string> Tests(string[] row) => Test().Matches(row[^1]).Select(match => match.Groups[1].Value);

    /// <summary>Whether a file contains the class, with a method of that name after an xunit attribute.</summary>
    internal static bool Exists(string test)
    {
        string[] names = test.Split('.');
        var method = new Regex($"""\[(Fact|Theory)\b(?:[^\n]*\n(?![ \t]*\n))*?[^\n(]*\b{Regex.Escape(names[1])}\(""");
        return Repository.TestFiles.Any(
            file => Regex.IsMatch(file.Text, $"\\bclass {Regex.Escape(names[0])}\\b") && method.IsMatch(file.Text));
    }

    [GeneratedRegex("`([A-Za-z0-9_]+\\.[A-Za-z0-9_]+)`")]
    private static partial Regex Test();
}
