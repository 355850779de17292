using System.Collections;
using System.Globalization;
using System.Text.RegularExpressions;
using PipeForkAs.Daemon.Configuration;
using PipeForkAs.Tests;

namespace PipeForkAs.Daemon.Tests.Configuration;

/// <summary>Checks that the manual page of the configuration lists the keys and their defaults.</summary>
public sealed partial class PageTests
{
    /// <summary>A key of the page, and the text below it.</summary>
    private static readonly (string Key, string Text)[] Items =
    [
        .. from Match item in Item().Matches(Page.Manual("pipeforkas.json.5"))
           from key in item.Groups["keys"].Value.Split(" , ")
           select (key, item.Groups["text"].Value),
    ];

    [Fact]
    public void The_page_lists_exactly_the_keys() => Assert.Equal(
        KnownKeys.All.Select(Written).Distinct().Order(StringComparer.Ordinal),
        Items.Select(item => item.Key).Order(StringComparer.Ordinal));

    [Fact]
    public void Every_default_in_the_page_is_the_actual_default()
    {
        var options = new DaemonOptions { JobHosts = [new JobHostOptions()] };
        int compared = 0;
        foreach ((string key, string text) in Items.Where(
            item => item.Key.Split(':')[0] is "Socket" or "JobHosts" or "Limits" or "Audit" || item.Key.Split(':') is ["Policy", _]))
        {
            string told = Default().Match(text) is { Success: true } match
                ? match.Groups[1].Value.TrimEnd('.', ',', ';')
                : TheDefault().Match(text).Groups[1].Value;
            if (key == "JobHosts:N:Path")
                told = JobHostOptions.StockPath; // Described at the list of job hosts.
            Assert.Equal((key, Value(options, key)), (key, told));
            compared++;
        }

        Assert.True(compared > 30);
    }

    private static string Written(string pattern) =>
        string.Join(':', pattern.Split(':').Select(part => part switch { "*" => "NAME", "#" => "N", _ => part })) switch
        {
            var list when list.EndsWith(":N", StringComparison.Ordinal) => list[..^2],
            "Logging:**" => "Logging",
            var key => key,
        };

    private static string Value(object options, string key)
    {
        object? value = options;
        foreach (string part in key.Split(':'))
            value = part == "N" ? ((IList)value!)[0] : value!.GetType().GetProperty(part)!.GetValue(value);
        return value switch
        {
            null => "null",
            bool flag => flag ? "true" : "false",
            TimeSpan time => time.ToString("c", CultureInfo.InvariantCulture),
            _ => Convert.ToString(value, CultureInfo.InvariantCulture)!,
        };
    }

    /// <summary>Items that share a text follow each other.</summary>
    [GeneratedRegex("""(?m)^\.It Ic (?<keys>.+)\n(?<text>(?:(?!\.It |\.El|\.Ss ).*\n)*)""")]
    private static partial Regex Item();

    [GeneratedRegex("""Default:\s+(?:\.(?:Ql|Pa) )?(\S+)""")]
    private static partial Regex Default();

    [GeneratedRegex("""\.Ql (\S+)\n\(the default\)""")]
    private static partial Regex TheDefault();
}
