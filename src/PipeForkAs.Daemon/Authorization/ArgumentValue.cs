using System.Text.Json;
using PipeForkAs.Daemon.Patterns;

namespace PipeForkAs.Daemon.Authorization;

/// <summary>
/// An argument's value, as conditions look at it. Each way to look at it is worked out once for a request, however many rules there are.
/// </summary>
/// <param name="value">The value.</param>
internal sealed class ArgumentValue(JsonElement value)
{
    private readonly Lazy<string?> text =
        new(() => value.ValueKind == JsonValueKind.String ? value.GetString() : null, isThreadSafe: false);
    private readonly Lazy<decimal?> number = new(() => JsonNumber.TryRead(value, out decimal read) ? read : null, isThreadSafe: false);
    private Lazy<string?>? path;
    private Dictionary<Pattern, PatternQuestion>? questions;

    /// <summary>Its type.</summary>
    public JsonValueKind Kind => value.ValueKind;

    /// <summary>The text; null where it is none.</summary>
    public string? Text => text.Value;

    /// <summary>The number; null where it is none, or cannot be held without loss.</summary>
    public decimal? Number => number.Value;

    /// <summary>The path; null where it is none whose place is certain; <see cref="FolderPath.Of"/>.</summary>
    public string? Path => (path ??= new(() => Text is { } known ? FolderPath.Of(known) : null, isThreadSafe: false)).Value;

    /// <summary>
    /// The question whether the text matches a pattern; null where there is none: it is no text, or longer than the pattern's values may
    /// be.
    /// </summary>
    public PatternQuestion? Ask(Pattern pattern)
    {
        if (questions?.TryGetValue(pattern, out PatternQuestion? known) == true)
            return known;
        if (Text is not { } given || pattern.IsTooLong(given))
            return null;
        known = new PatternQuestion(pattern, given);
        (questions ??= []).Add(pattern, known);
        return known;
    }
}
