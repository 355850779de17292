using System.CommandLine.Parsing;
using System.Globalization;

namespace PipeForkAs.Cli.Commands;

/// <summary>Reads a number of seconds: digits, at most one decimal point, more than 0.</summary>
internal static class Seconds
{
    public static TimeSpan? Parse(ArgumentResult result)
    {
        string word = result.Tokens[0].Value;
        if (TryParse(word, out TimeSpan? time))
            return time;

        result.AddError($"--timeout must be a number of seconds greater than 0, such as 2.5, not \"{word}\"");
        return null;
    }

    /// <summary>Reads a number of seconds.</summary>
    public static bool TryParse(string? word, out TimeSpan? time)
    {
        bool isTime = double.TryParse(word, NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out double seconds)
            && seconds > 0 && double.IsFinite(seconds);
        time = !isTime ? null : seconds < TimeSpan.MaxValue.TotalSeconds ? TimeSpan.FromSeconds(seconds) : TimeSpan.MaxValue;
        return isTime;
    }
}
