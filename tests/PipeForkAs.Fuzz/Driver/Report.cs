using System.Globalization;
using System.Text;

namespace PipeForkAs.Fuzz.Driver;

/// <summary>Describes a finding, with the input in a form that can be replayed.</summary>
internal static class Report
{
    private const int MaxShown = 400;

    public static string Of(Target target, byte[] input, Exception failure) => string.Create(
        CultureInfo.InvariantCulture,
        $"""
        finding: {target.Name}: {failure}
        input: {input.Length} bytes: {Shown(input)}
        replay: tests/fuzz/run.sh --replay {target.Name} {Convert.ToBase64String(input)}
        """);

    private static string Shown(byte[] input)
    {
        var text = new StringBuilder();
        foreach (byte letter in input.AsSpan(0, Math.Min(input.Length, MaxShown)))
        {
            if (letter is >= 0x20 and < 0x7F and not (byte)'\\')
                text.Append((char)letter);
            else
                text.Append(CultureInfo.InvariantCulture, $"\\x{letter:x2}");
        }

        return input.Length > MaxShown ? text.Append(" ...").ToString() : text.ToString();
    }
}
