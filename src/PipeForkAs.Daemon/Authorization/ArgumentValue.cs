using System.Text.Json;
using PipeForkAs.Daemon.Patterns;

namespace PipeForkAs.Daemon.Authorization;

/// <summary>
/// The value of an argument, as conditions test it. Each form of the value is computed once for each request, for any number of rules.
/// </summary>
internal sealed class ArgumentValue
{
    private readonly Lazy<string?> text;
    private readonly Lazy<decimal?> number;
    private readonly string? bytes;
    private (string? Home, string? Path)? path;
    private Dictionary<Pattern, PatternQuestion>? questions;

    public ArgumentValue(JsonElement value)
    {
        Kind = value.ValueKind;
        text = new(() => value.ValueKind == JsonValueKind.String ? value.GetString() : null, isThreadSafe: false);
        number = new(() => JsonNumber.TryRead(value, out decimal read) ? read : null, isThreadSafe: false);
    }

    /// <param name="given">A path that the request gives as bytes.</param>
    public ArgumentValue(PathBytes given)
    {
        Kind = given.IsText ? JsonValueKind.String : JsonValueKind.Undefined;
        text = new(given.IsText ? given.Text : null);
        number = new((decimal?)null);
        bytes = given.Text;
    }

    /// <summary>The JSON type; <see cref="JsonValueKind.Undefined"/> for a path that is not text.</summary>
    public JsonValueKind Kind { get; }

    /// <summary>The text; null if the value is not a text.</summary>
    public string? Text => text.Value;

    /// <summary>The number; null if the value is not a number, or if a decimal cannot store it without loss.</summary>
    public decimal? Number => number.Value;

    /// <summary>Whether the value can be a path.</summary>
    public bool IsPath => Characters is not null;

    /// <summary>
    /// Whether the value is a relative path. False for a path that begins with <c>~</c>: some programs read that as the home of another
    /// user.
    /// </summary>
    public bool IsBelowHome => Characters is { Length: > 0 } known && known[0] is not ('/' or '~');

    /// <summary>Whether <see cref="PathFrom"/> resolved the value as a path below the home.</summary>
    public bool LookedBelowHome { get; private set; }

    private string? Characters => bytes ?? Text;

    /// <summary>The path; null if its place is not certain; <see cref="FolderPath.Of"/>.</summary>
    /// <param name="home">The home of the target user, the same in each call; null if it is not known yet, or if there is none.</param>
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
    /// The question whether the text matches a pattern; null if the value is not a text, or is longer than the pattern permits.
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
