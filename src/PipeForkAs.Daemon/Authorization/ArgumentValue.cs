using System.Text.Json;
using PipeForkAs.Daemon.Patterns;

namespace PipeForkAs.Daemon.Authorization;

/// <summary>
/// An argument's value, as conditions look at it. Each way to look at it is worked out once for a request, however many rules there are.
/// </summary>
internal sealed class ArgumentValue
{
    private readonly Lazy<string?> text;
    private readonly Lazy<decimal?> number;
    private readonly string? bytes;
    private (string? Home, string? Path)? path;
    private Dictionary<Pattern, PatternQuestion>? questions;

    /// <param name="value">The value.</param>
    public ArgumentValue(JsonElement value)
    {
        Kind = value.ValueKind;
        text = new(() => value.ValueKind == JsonValueKind.String ? value.GetString() : null, isThreadSafe: false);
        number = new(() => JsonNumber.TryRead(value, out decimal read) ? read : null, isThreadSafe: false);
    }

    /// <param name="given">A path that was given as bytes.</param>
    public ArgumentValue(PathBytes given)
    {
        Kind = given.IsText ? JsonValueKind.String : JsonValueKind.Undefined;
        text = new(given.IsText ? given.Text : null);
        number = new((decimal?)null);
        bytes = given.Text;
    }

    /// <summary>Its type; <see cref="JsonValueKind.Undefined"/> for a path that is not text.</summary>
    public JsonValueKind Kind { get; }

    /// <summary>The text; null where it is none.</summary>
    public string? Text => text.Value;

    /// <summary>The number; null where it is none, or cannot be held without loss.</summary>
    public decimal? Number => number.Value;

    /// <summary>Whether it may be a path.</summary>
    public bool IsPath => Characters is not null;

    /// <summary>
    /// Whether it is a relative path. One that begins with <c>~</c> is not judged: some programs take that for another user's home.
    /// </summary>
    public bool IsBelowHome => Characters is { Length: > 0 } known && known[0] is not ('/' or '~');

    /// <summary>Whether <see cref="PathFrom"/> took it for a path below the home.</summary>
    public bool LookedBelowHome { get; private set; }

    private string? Characters => bytes ?? Text;

    /// <summary>The path; null where it is none whose place is certain; <see cref="FolderPath.Of"/>.</summary>
    /// <param name="home">The target's home, the same each time; null as long as it is not known, or where there is none.</param>
    public string? PathFrom(string? home)
    {
        if (path is { } known && known.Home == home)
            return known.Path;
        string? found = null;
        if (!IsBelowHome)
            found = Characters is { } absolute ? FolderPath.Of(absolute) : null;
        else if (home is not null && FolderPath.Of(home) is { } place)
            (found, LookedBelowHome) = (FolderPath.Of(place + Characters), true);
        path = (home, found);
        return found;
    }

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
