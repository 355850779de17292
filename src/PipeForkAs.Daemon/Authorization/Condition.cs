using PipeForkAs.Daemon.Configuration;
using PipeForkAs.Daemon.Patterns;

namespace PipeForkAs.Daemon.Authorization;

/// <summary>
/// What one argument must be. A condition tests the value that the job receives. If a value is missing, has another type, or is written so
/// that its meaning is not certain, the result is <see cref="TruthValue.Unknowable"/>: that never allows, and always denies.
/// </summary>
/// <param name="argument">The name of the argument.</param>
/// <param name="options">What the argument must be.</param>
/// <param name="pattern">The pattern that the options name; null for none.</param>
internal sealed class Condition(string argument, ConditionOptions options, Pattern? pattern)
{
    private readonly ValueChoice? equal = options.EqualTo is { } wanted ? new ValueChoice([wanted]) : null;
    private readonly ValueChoice? oneOf = options.OneOf is { } choices ? new ValueChoice(choices) : null;
    private readonly decimal? most = options.AtMost;
    private readonly decimal? least = options.AtLeast;
    private readonly bool isBelowHome = options.Under?[0] == '~';
    private readonly string? folder = options.Under is { } under ? FolderPath.Of(under[0] == '~' ? $"/{under[1..]}" : under) : null;

    public string Argument => argument;

    /// <summary>The pattern that a text must match; null for none.</summary>
    public Pattern? Pattern => pattern;

    /// <summary>Whether the condition tests where a path lies.</summary>
    public bool LooksAtFolder => folder is not null;

    /// <summary>Whether the condition compares a text that looks like a path; one path has many texts.</summary>
    public bool LooksAtTextOfPath =>
        IsPath(options.EqualTo) || options.OneOf?.Any(IsPath) == true
        || (pattern is not null && pattern.Text.Contains('/') && !pattern.Text.Contains("://", StringComparison.Ordinal));

    /// <summary>Decides whether the condition is met. The pattern questions must have been answered before.</summary>
    /// <param name="arguments">The arguments; null for none.</param>
    /// <param name="home">The home of the target user; null if it was not looked up yet.</param>
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

    /// <summary>Whether both are met; the values of <see cref="TruthValue"/> are in the order that this operation needs.</summary>
    public static TruthValue And(TruthValue a, TruthValue b) => a < b ? a : b;

    /// <summary>
    /// Compares the text alone, after it removes "//" and "."; a path with ".." is <see cref="TruthValue.Unknowable"/>. A relative path
    /// lies below the home of the target user, in which the job begins (<see cref="Decision.NeedsHome"/>). This method does not follow
    /// symbolic links, because a user who can write in the folder can change them after the check. The kernel decides where a path really
    /// leads, by the permissions of the target user.
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
                return TruthValue.Unknowable; // No home, or "/": every path would lie in it.
            above = place + above[1..];
        }

        return value.PathFrom(home) is { } path ? From(path.StartsWith(above, StringComparison.Ordinal)) : TruthValue.Unknowable;
    }

    private static bool IsPath(string? text) => text is ['/', ..] or "~" or ['~', '/', ..];

    private static TruthValue From(bool holds) => holds ? TruthValue.Yes : TruthValue.No;
}
