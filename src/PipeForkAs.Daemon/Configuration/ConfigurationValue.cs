using System.Globalization;

namespace PipeForkAs.Daemon.Configuration;

/// <summary>Reads the values of keys, and writes them in the one form from which options are bound.</summary>
internal static class ConfigurationValue
{
    private const NumberStyles Whole = NumberStyles.Integer;

    /// <summary>Units of sizes, in bytes.</summary>
    private static readonly (char Unit, long Bytes)[] Sizes = [('K', 1L << 10), ('M', 1L << 20), ('G', 1L << 30)];

    /// <summary>Units of times.</summary>
    private static readonly (string Unit, TimeSpan Time)[] Times =
    [
        ("ms", TimeSpan.FromMilliseconds(1)), ("s", TimeSpan.FromSeconds(1)), ("m", TimeSpan.FromMinutes(1)),
        ("h", TimeSpan.FromHours(1)), ("d", TimeSpan.FromDays(1)),
    ];

    /// <summary>Reads a value.</summary>
    /// <param name="kind">The kind of the value.</param>
    /// <param name="text">The value as written.</param>
    /// <param name="value">The value in one form; undefined if there is a problem.</param>
    /// <returns>The problem, and what to write instead; null if there is none.</returns>
    public static string? Read(ValueKind kind, string text, out string value)
    {
        value = text;
        switch (kind)
        {
            case ValueKind.Flag:
                return bool.TryParse(text, out _) ? null : $"\"{text}\" is not true or false; write one of them";
            case ValueKind.Whole:
                return int.TryParse(text, Whole, CultureInfo.InvariantCulture, out _) ? null : NotWhole(text, int.MinValue, int.MaxValue);
            case ValueKind.LongWhole:
                return long.TryParse(text, Whole, CultureInfo.InvariantCulture, out _)
                    ? null : NotWhole(text, long.MinValue, long.MaxValue);
            case ValueKind.Id:
                return uint.TryParse(text, Whole, CultureInfo.InvariantCulture, out _) ? null : NotWhole(text, 0, uint.MaxValue);
            case ValueKind.Number:
                return decimal.TryParse(text, NumberStyles.Float, CultureInfo.InvariantCulture, out _)
                    ? null : $"\"{text}\" cannot be compared exactly; write a number of at most 28 digits";
            case ValueKind.Size:
                string? wrongSize = ReadSize(text, out long bytes);
                value = bytes.ToString(CultureInfo.InvariantCulture);
                return wrongSize;
            case ValueKind.Time:
                string? wrongTime = ReadTime(text, out TimeSpan time);
                value = time.ToString("c", CultureInfo.InvariantCulture);
                return wrongTime;
            default:
                return null;
        }
    }

    private static string NotWhole(string text, long least, long most) => string.Create(
        CultureInfo.InvariantCulture, $"\"{text}\" is not a whole number from {least} to {most}; write digits only");

    private static string? ReadSize(string text, out long bytes)
    {
        if (long.TryParse(text, Whole, CultureInfo.InvariantCulture, out bytes))
            return null;
        foreach ((char unit, long size) in Sizes)
        {
            if (text.EndsWith(unit)
                && long.TryParse(text.AsSpan(0, text.Length - 1), NumberStyles.None, CultureInfo.InvariantCulture, out long count))
            {
                if (count > long.MaxValue / size)
                    return $"\"{text}\" is more than {long.MaxValue} bytes";
                bytes = count * size;
                return null;
            }
        }

        return $"\"{text}\" is not a size; write a number of bytes, or a whole number with K, M or G (1024, 1024^2, 1024^3 bytes): 256M";
    }

    private static string? ReadTime(string text, out TimeSpan time)
    {
        time = default;
        string[] parts = text.Split(':');
        if (parts.Length == 3)
        {
            return TryReadClock(parts, out time)
                ? null
                : $"\"{text}\" is not a time as hours (to 23), minutes and seconds; "
                    + "write 00:00:30, 1.00:00:00 for a day, or 30s, 5m, 2h, 500ms";
        }

        if (parts is [{ Length: > 0 } first, { Length: > 0 } second] && IsDigits(first) && IsDigits(second))
        {
            return $"\"{text}\" can mean hours and minutes, or minutes and seconds; "
                + $"write {first}h or {first}m, or all three parts: {first.PadLeft(2, '0')}:{second.PadLeft(2, '0')}:00";
        }

        int digits = 0;
        while (digits < text.Length && (char.IsAsciiDigit(text[digits]) || text[digits] == '.'))
            digits++;
        if (decimal.TryParse(text.AsSpan(0, digits), NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out decimal count))
        {
            if (digits == text.Length)
                return $"\"{text}\" has no unit; write {text}s, {text}m, {text}h, {text}ms, or hours, minutes and seconds: 00:00:30";
            foreach ((string unit, TimeSpan one) in Times)
            {
                if (text.AsSpan(digits).SequenceEqual(unit))
                    return TryMultiply(one, count, out time) ? null : $"\"{text}\" is too long; the longest useful time is a day";
            }
        }

        return $"\"{text}\" is not a time; write a number with ms, s, m, h or d, as 30s or 5m, or hours, minutes and seconds: 00:00:30";
    }

    /// <summary>Reads <c>[-][d.]h:m:s[.f]</c>, whose parts can have one digit or two.</summary>
    private static bool TryReadClock(string[] parts, out TimeSpan time)
    {
        time = default;
        bool negative = parts[0].StartsWith('-');
        string[] first = parts[0][(negative ? 1 : 0)..].Split('.');
        string[] last = parts[2].Split('.');
        string days = first.Length == 2 ? first[0] : "0", fraction = last.Length == 2 ? last[1] : "0";
        if (first.Length > 2 || last.Length > 2 || !IsDigits(days) || !IsDigits(fraction) || fraction.Length > 7
            || !TryPart(first[^1], 23, out int hour) || !TryPart(parts[1], 59, out int minute) || !TryPart(last[0], 59, out int second)
            || !int.TryParse(days, NumberStyles.None, CultureInfo.InvariantCulture, out int day) || day > 10_000)
            return false;
        time = new TimeSpan(day, hour, minute, second)
            + TimeSpan.FromTicks(long.Parse(fraction.PadRight(7, '0'), NumberStyles.None, CultureInfo.InvariantCulture));
        time = negative ? -time : time;
        return true;
    }

    private static bool TryPart(string text, int most, out int value) =>
        int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out value) && text.Length <= 2 && value <= most;

    private static bool TryMultiply(TimeSpan one, decimal count, out TimeSpan time)
    {
        // A larger value is out of every range; the check also avoids an overflow of decimal.
        bool fits = count <= 1_000_000_000 && count * one.Ticks <= TimeSpan.FromDays(10_000).Ticks;
        time = fits ? TimeSpan.FromTicks((long)(count * one.Ticks)) : default;
        return fits;
    }

    private static bool IsDigits(string text) => text.Length > 0 && text.AsSpan().IndexOfAnyExceptInRange('0', '9') < 0;
}
