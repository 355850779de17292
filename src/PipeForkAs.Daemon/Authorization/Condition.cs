using System.Globalization;
using System.Text.Json;
using PipeForkAs.Daemon.Commands;
using PipeForkAs.Daemon.Configuration;

namespace PipeForkAs.Daemon.Authorization;

/// <summary>
/// What one argument must be. It is asked of the value as the job gets it. A value that is missing, of another type, or written so
/// that its meaning is not certain is <see cref="Truth.Unknowable"/>: that never allows, and always refuses.
/// </summary>
/// <param name="argument">The argument's name.</param>
/// <param name="options">What it must be.</param>
internal sealed class Condition(string argument, ConditionOptions options)
{
    private readonly ParameterPattern? pattern = options.Pattern is { } text ? ParameterPattern.Create(text) : null;

    /// <summary>The argument's name.</summary>
    public string Argument => argument;

    /// <summary>Decides.</summary>
    /// <param name="arguments">A JSON object; null for none.</param>
    /// <param name="home">The target's home; null as long as it was not looked up.</param>
    public Truth Holds(JsonElement? arguments, string? home)
    {
        if (arguments is not { ValueKind: JsonValueKind.Object } given || Find(given) is not { } value)
            return Truth.Unknowable;

        Truth all = Truth.Yes;
        if (options.EqualTo is { } wanted)
            all = And(all, IsEqual(value, wanted));
        if (options.OneOf is { } choices)
            all = And(all, IsOneOf(value, choices));
        if (pattern is not null)
            all = And(all, value.ValueKind == JsonValueKind.String ? From(pattern.Matches(value.GetString()!)) : Truth.Unknowable);
        if (options.Under is { } folder)
            all = And(all, value.ValueKind == JsonValueKind.String ? IsUnder(value.GetString()!, folder, home) : Truth.Unknowable);
        if (options.AtMost is { } most)
            all = And(all, JsonNumber.TryRead(value, out decimal number) ? From(number <= most) : Truth.Unknowable);
        if (options.AtLeast is { } least)
            all = And(all, JsonNumber.TryRead(value, out decimal number) ? From(number >= least) : Truth.Unknowable);
        return all;
    }

    /// <summary>Whether all hold; the order in which <see cref="Truth"/> counts its values is the one of this.</summary>
    public static Truth And(Truth a, Truth b) => a < b ? a : b;

    /// <summary>
    /// The value. A member of the same name in other letters is as good as none: a job that reads names in any case might take that one.
    /// </summary>
    private JsonElement? Find(JsonElement given)
    {
        JsonElement? found = null;
        foreach (JsonProperty property in given.EnumerateObject())
        {
            if (!string.Equals(property.Name, argument, StringComparison.OrdinalIgnoreCase))
                continue;
            if (found is not null || property.Name != argument)
                return null;
            found = property.Value;
        }

        return found;
    }

    private static Truth IsOneOf(JsonElement value, IEnumerable<string> choices)
    {
        Truth any = Truth.No;
        foreach (string choice in choices)
        {
            Truth equal = IsEqual(value, choice);
            any = equal > any ? equal : any;
        }

        return any;
    }

    private static Truth IsEqual(JsonElement value, string wanted) => value.ValueKind switch
    {
        JsonValueKind.String => From(value.ValueEquals(wanted)),
        JsonValueKind.Number when JsonNumber.TryRead(value, out decimal number) => From(JsonNumber.TryRead(wanted, out decimal other) && number == other),
        JsonValueKind.True or JsonValueKind.False => From(string.Equals(value.ValueKind.ToString(), wanted, StringComparison.OrdinalIgnoreCase)),
        _ => Truth.Unknowable,
    };

    /// <summary>
    /// By the text alone, after "//" and "." are taken out; a path with ".." or one that is not absolute is <see cref="Truth.Unknowable"/>. Symbolic
    /// links are not followed, since whoever may write in the folder could change them behind the look: where a path really leads, the
    /// kernel decides by what the target user may do.
    /// </summary>
    private static Truth IsUnder(string path, string folder, string? home)
    {
        if (folder[0] == '~')
        {
            if (home is null)
                return Truth.Pending;
            if (Parts(home) is not { Count: > 0 })
                return Truth.Unknowable; // No home, or "/": everything would lie in it.
            folder = home + folder[1..];
        }

        if (Parts(path) is not { } parts || Parts(folder) is not { } above)
            return Truth.Unknowable;
        return From(parts.Count >= above.Count && parts.Take(above.Count).SequenceEqual(above));
    }

    /// <summary>The parts of an absolute path; null where it is none, or has "..".</summary>
    internal static List<string>? Parts(string path)
    {
        if (path.Length == 0 || path[0] != '/' || path.Contains('\0', StringComparison.Ordinal))
            return null;
        List<string> parts = [.. path.Split('/').Where(part => part is not ("" or "."))];
        return parts.Contains("..") ? null : parts;
    }

    private static Truth From(bool holds) => holds ? Truth.Yes : Truth.No;
}

/// <summary>Numbers of JSON without loss: what a decimal cannot hold exactly is not read at all.</summary>
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
        if (exponentAt >= 0 && !int.TryParse(text.AsSpan(exponentAt + 1), NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out exponent))
            return false;
        int point = mantissa.IndexOf('.', StringComparison.Ordinal);
        int fraction = point < 0 ? 0 : mantissa.Length - point - 1;
        if (mantissa.Length > MaxDigits || exponent is < -MaxDigits or > MaxDigits || fraction - exponent > MaxDigits || mantissa.Length + exponent > MaxDigits)
            return false;
        return decimal.TryParse(text, NumberStyles.Float, CultureInfo.InvariantCulture, out number);
    }
}
