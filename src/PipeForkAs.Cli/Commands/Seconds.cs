using System.CommandLine.Parsing;
using System.Globalization;

namespace PipeForkAs.Cli.Commands;

/// <summary>Reads a number of seconds: digits, at most one decimal point, more than 0.</summary>
internal static class Seconds
{
    public static TimeSpan? Parse(ArgumentResult result)
    {
        string word = result.Tokens[0].Value;
        if (double.TryParse(word, NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out double seconds) && seconds > 0
            && double.IsFinite(seconds))
            return seconds < TimeSpan.MaxValue.TotalSeconds ? TimeSpan.FromSeconds(seconds) : TimeSpan.MaxValue;

        result.AddError($"--timeout must be a number of seconds greater than 0, such as 2.5, not \"{word}\"");
        return null;
    }
}
