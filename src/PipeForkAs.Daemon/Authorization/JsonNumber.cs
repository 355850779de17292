using System.Globalization;
using System.Text.Json;

namespace PipeForkAs.Daemon.Authorization;

/// <summary>Reads JSON numbers without loss: does not read a number that a decimal cannot store exactly.</summary>
internal static class JsonNumber
{
    private const int MaxDigits = 28;

    public static bool TryRead(JsonElement value, out decimal number)
    {
        number = 0;
        return value.ValueKind == JsonValueKind.Number && TryRead(value.GetRawText(), out number);
    }

    public static bool TryRead(string text, out decimal number)
    {
        number = 0;
        int exponentAt = text.AsSpan().IndexOfAny('e', 'E');
        string mantissa = exponentAt < 0 ? text : text[..exponentAt];
        int exponent = 0;
        if (exponentAt >= 0
            && !int.TryParse(text.AsSpan(exponentAt + 1), NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out exponent))
            return false;
        int point = mantissa.IndexOf('.', StringComparison.Ordinal);
        int fraction = point < 0 ? 0 : mantissa.Length - point - 1;
        if (mantissa.Length > MaxDigits || exponent is < -MaxDigits or > MaxDigits || fraction - exponent > MaxDigits
            || mantissa.Length + exponent > MaxDigits)
            return false;
        return decimal.TryParse(text, NumberStyles.Float, CultureInfo.InvariantCulture, out number);
    }
}
