using PipeForkAs.Daemon.Configuration;
using PipeForkAs.Daemon.Patterns;

namespace PipeForkAs.Daemon.Authorization;

/// <summary>
/// What one argument must be. It is asked of the value as the job gets it. A value that is missing, of another type, or written so
/// that its meaning is not certain is <see cref="TruthValue.Unknowable"/>: that never allows, and always refuses.
/// </summary>
/// <param name="argument">The argument's name.</param>
/// <param name="options">What it must be.</param>
/// <param name="pattern">The pattern that these name; null for none.</param>
internal sealed class Condition(string argument, ConditionOptions options, Pattern? pattern)
{
    private readonly ValueChoice? equal = options.EqualTo is { } wanted ? new ValueChoice([wanted]) : null;
    private readonly ValueChoice? oneOf = options.OneOf is { } choices ? new ValueChoice(choices) : null;
    private readonly decimal? most = options.AtMost;
    private readonly decimal? least = options.AtLeast;
    private readonly bool isBelowHome = options.Under?[0] == '~';
    private readonly string? folder = options.Under is { } under ? FolderPath.Of(under[0] == '~' ? $"/{under[1..]}" : under) : null;

    /// <summary>The argument's name.</summary>
    public string Argument => argument;

    /// <summary>The pattern that a text must match; null for none.</summary>
    public Pattern? Pattern => pattern;

    /// <summary>Whether it looks at where a path is.</summary>
    public bool LooksAtFolder => folder is not null;

    /// <summary>Whether it compares a text that looks like a path; one path has many texts.</summary>
    public bool LooksAtTextOfPath =>
        IsPath(options.EqualTo) || options.OneOf?.Any(IsPath) == true
        || (pattern is not null && pattern.Text.Contains('/') && !pattern.Text.Contains("://", StringComparison.Ordinal));

    /// <summary>Decides. Whether a pattern matches must have been answered before.</summary>
    /// <param name="arguments">The arguments; null for none.</param>
    /// <param name="home">The target's home; null as long as it was not looked up.</param>
    public TruthValue Holds(RequestArguments? arguments, string? home)
    {
        if (arguments?.Find(argument) is not { } value)
            return TruthValue.Unknowable;

        TruthValue all = And(equal?.Holds(value) ?? TruthValue.Yes, oneOf?.Holds(value) ?? TruthValue.Yes);
        if (pattern is not null)
            all = And(all, value.Ask(pattern)?.Matches is { } matches ? From(matches) : TruthValue.Unknowable);
        if (folder is not null)
            all = And(all, IsUnder(value, home));
        if (most is not null)
            all = And(all, value.Number is { } number ? From(number <= most) : TruthValue.Unknowable);
        if (least is not null)
            all = And(all, value.Number is { } number ? From(number >= least) : TruthValue.Unknowable);
        return all;
    }

    /// <summary>Whether all hold; the order in which <see cref="TruthValue"/> counts its values is the one of this.</summary>
    public static TruthValue And(TruthValue a, TruthValue b) => a < b ? a : b;

    /// <summary>
    /// By the text alone, after "//" and "." are taken out; a path with ".." is <see cref="TruthValue.Unknowable"/>. A relative path lies
    /// below the target's home, in which the job begins (<see cref="Decision.NeedsHome"/>). Symbolic links are not followed, since
    /// whoever may write in the folder could change them behind the look: where a path really leads, the kernel decides by what the
    /// target user may do.
    /// </summary>
    private TruthValue IsUnder(ArgumentValue value, string? home)
    {
        if (!value.IsPath)
            return TruthValue.Unknowable;
        string above = folder!;
        if (value.IsBelowHome && home is null)
            return TruthValue.Pending;
        if (isBelowHome)
        {
            if (home is null)
                return TruthValue.Pending;
            if (FolderPath.Of(home) is not { Length: > 1 } place)
                return TruthValue.Unknowable; // No home, or "/": everything would lie in it.
            above = place + above[1..];
        }

        return value.PathFrom(home) is { } path ? From(path.StartsWith(above, StringComparison.Ordinal)) : TruthValue.Unknowable;
    }

    private static bool IsPath(string? text) => text is ['/', ..] or "~" or ['~', '/', ..];

    private static TruthValue From(bool holds) => holds ? TruthValue.Yes : TruthValue.No;
}
