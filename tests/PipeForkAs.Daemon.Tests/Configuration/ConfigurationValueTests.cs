using System.Collections;
using System.Reflection;
using System.Text;
using Microsoft.Extensions.Configuration;
using PipeForkAs.Daemon.Configuration;
using PipeForkAs.Daemon.Loading;
using PipeForkAs.Daemon.Reloading;

namespace PipeForkAs.Daemon.Tests.Configuration;

/// <summary>Tests the notation of values, and the type of each key.</summary>
public sealed class ConfigurationValueTests
{
    private static readonly HashSet<string> Sizes = ["OutputLimit", "MemoryMax", "FileSize", "CoreSize"];

    [Theory]
    [InlineData("0", 0)]
    [InlineData("1024", 1024)]
    [InlineData("1K", 1024)]
    [InlineData("256M", 256L * 1024 * 1024)]
    [InlineData("8G", 8L * 1024 * 1024 * 1024)]
    [InlineData("-1", -1)]
    public void A_size_is_a_number_of_bytes_or_has_a_unit(string text, long bytes)
    {
        Assert.Null(ConfigurationValue.Read(ValueKind.Size, text, out string value));
        Assert.Equal(bytes, long.Parse(value, System.Globalization.CultureInfo.InvariantCulture));
    }

    [Theory]
    [InlineData("1k")]
    [InlineData("1 K")]
    [InlineData("1.5G")]
    [InlineData("-1K")]
    [InlineData("K")]
    [InlineData("1KB")]
    [InlineData("1T")]
    [InlineData("8589934592G")]
    [InlineData("9223372036854775808")]
    public void An_invalid_size_is_rejected(string text) => Assert.NotNull(ConfigurationValue.Read(ValueKind.Size, text, out _));

    [Theory]
    [InlineData("500ms", "00:00:00.5000000")]
    [InlineData("30s", "00:00:30")]
    [InlineData("90s", "00:01:30")]
    [InlineData("5m", "00:05:00")]
    [InlineData("2h", "02:00:00")]
    [InlineData("1d", "1.00:00:00")]
    [InlineData("0s", "00:00:00")]
    [InlineData("1.5h", "01:30:00")]
    [InlineData("00:00:30", "00:00:30")]
    [InlineData("1.02:03:04.5", "1.02:03:04.5000000")]
    [InlineData("-00:00:05", "-00:00:05")]
    public void A_time_is_hours_minutes_and_seconds_or_has_a_unit(string text, string time)
    {
        Assert.Null(ConfigurationValue.Read(ValueKind.Time, text, out string value));
        Assert.Equal(time, value);
    }

    [Theory]
    [InlineData("5:00")]
    [InlineData("00:05")]
    [InlineData("30")]
    [InlineData("30S")]
    [InlineData("30 s")]
    [InlineData("1h30m")]
    [InlineData("-5s")]
    [InlineData("s")]
    [InlineData(".s")]
    [InlineData("1e3s")]
    [InlineData("24:00:00")]
    [InlineData("00:60:00")]
    [InlineData("00:00:60")]
    [InlineData("1:2:3:4")]
    [InlineData("::")]
    [InlineData("00:00:00.12345678")]
    [InlineData("99999999999999999999999999999d")]
    [InlineData("99999999999.00:00:00")]
    public void An_invalid_or_ambiguous_time_is_rejected(string text) =>
        Assert.NotNull(ConfigurationValue.Read(ValueKind.Time, text, out _));

    [Fact]
    public void Each_key_has_the_type_of_its_option() => Assert.All(KnownKeys.All.Where(key => key != "Logging:**"), key =>
    {
        Type type = typeof(DaemonOptions);
        foreach (string part in key.Split(':'))
            type = part is "#" or "*" ? type.GetGenericArguments()[^1] : Of(type, part).PropertyType;
        type = Nullable.GetUnderlyingType(type) ?? type;
        string name = key[(key.LastIndexOf(':') + 1)..];
        ValueKind kind = Sizes.Contains(name) ? ValueKind.Size
            : type == typeof(bool) ? ValueKind.Flag
            : type == typeof(int) ? ValueKind.Whole
            : type == typeof(long) ? ValueKind.LongWhole
            : type == typeof(uint) ? ValueKind.Id
            : type == typeof(TimeSpan) ? ValueKind.Time
            : type == typeof(decimal) ? ValueKind.Number : ValueKind.Text;
        Assert.False(kind == ValueKind.Text && type != typeof(string), $"{key} is a {type}");
        Assert.Equal((key, kind), (key, KnownKeys.KindOf(key.Replace('#', '0').Replace("*", "x", StringComparison.Ordinal))));
    });

    /// <summary>A search of all keys for the entries of each section would take minutes.</summary>
    [Fact(Timeout = 60_000)]
    public async Task Tens_of_thousands_of_entries_are_read_in_linear_time()
    {
        const int Rules = 10_000;
        var text = new StringBuilder("""{ "JobHosts": [ { "Path": "/usr/bin/env" } ], "Policy": { "Rules": [ """);
        for (int i = 0; i < Rules; i++)
        {
            text.Append(System.Globalization.CultureInfo.InvariantCulture, $$"""
                {{(i == 0 ? "" : ",")}}{ "Name": "r{{i}}", "Callers": ["{{i}}"], "Jobs": ["id"], "As": ["self"],
                    "Where": { "p": { "Equals": "{{i}}" } } }
                """);
        }

        byte[] content = Encoding.UTF8.GetBytes(text.Append("] } }").ToString());
        LoadedConfiguration loaded = await Task.Run(
            () => ConfigurationFiles.Merge([ConfigurationFile.Parse("a", content)]), TestContext.Current.CancellationToken);
        IList<RuleOptions> rules = loaded.Options.Policy.Rules!;
        Assert.Equal((Rules, "r9999", "9999"), (rules.Count, rules[^1].Name, rules[^1].Where["p"].EqualTo));
        Assert.Empty(Reloader.Changes(loaded.Root, loaded.Root));
    }

    private static PropertyInfo Of(Type type, string part) =>
        type.GetProperty(part)
        ?? type.GetProperties().Single(property => property.GetCustomAttribute<ConfigurationKeyNameAttribute>()?.Name == part);
}
