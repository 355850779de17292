namespace PipeForkAs.LibC.Tests;

public sealed class ShadowTests
{
    [Fact]
    public void A_shadow_entry_equals_the_line_in_the_file()
    {
        string[] fields = File.ReadLines("/etc/shadow").First(line => line.StartsWith("root:", StringComparison.Ordinal)).Split(':');

        ShadowEntry entry = Libc.getspnam("root", 1) ?? throw new InvalidOperationException("root has no shadow entry");

        Assert.Equal(
            [.. new[] { 2, 4, 6, 7 }.Select(
                field => fields[field].Length == 0 ? -1 : long.Parse(fields[field], System.Globalization.CultureInfo.InvariantCulture))],
            [entry.LastChange, entry.MaximumAge, entry.Inactive, entry.Expires]);
        Assert.Null(Libc.getspnam("no-such-user", 1));
        Assert.Throws<ArgumentException>(() => Libc.getspnam("a\0b", 1));
    }
}
