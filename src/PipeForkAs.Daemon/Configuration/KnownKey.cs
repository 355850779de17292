namespace PipeForkAs.Daemon.Configuration;

/// <summary>A known key of a configuration.</summary>
/// <param name="pattern">
/// The key; '#' is the position of an entry, '*' is a name that the administrator chooses, '**' is the rest of a key.
/// </param>
/// <param name="kind">The kind of its value. A test compares it with the type of the option.</param>
/// <param name="mayBeNull">Whether its value can be null, for "no limit" or "none".</param>
/// <param name="mayBeEmpty">Whether its value can be the empty text.</param>
internal sealed class KnownKey(string pattern, ValueKind kind = ValueKind.Text, bool mayBeNull = false, bool mayBeEmpty = false)
{
    public string Pattern => pattern;

    /// <summary>The parts of the pattern, split once: there can be many keys to compare with it.</summary>
    public string[] Parts { get; } = pattern.Split(':');

    public ValueKind Kind => kind;

    public bool MayBeNull => mayBeNull;

    public bool MayBeEmpty => mayBeEmpty;

    /// <summary>Whether a part of a key fits a part of a pattern.</summary>
    public static bool SamePart(string wanted, string part) => wanted switch
    {
        "*" or "**" => true,
        "#" => part.Length > 0 && part.AsSpan().IndexOfAnyExceptInRange('0', '9') < 0,
        _ => string.Equals(wanted, part, StringComparison.OrdinalIgnoreCase),
    };

    /// <summary>Whether this is the known key of a key with a value.</summary>
    public bool Matches(string[] key) => MatchesBeginning(key) && (key.Length == Parts.Length || IsOpen(key));

    /// <summary>Whether a key is a section that contains this known key.</summary>
    public bool IsWithin(string[] section) => MatchesBeginning(section) && (section.Length < Parts.Length || IsOpen(section));

    private bool MatchesBeginning(string[] key)
    {
        for (int i = 0; i < key.Length; i++)
        {
            if (i >= Parts.Length)
                return false;
            if (Parts[i] == "**")
                return true;
            if (!SamePart(Parts[i], key[i]))
                return false;
        }

        return true;
    }

    /// <summary>Whether the end of a pattern stands for any rest.</summary>
    private bool IsOpen(string[] key) => Parts[^1] == "**" && key.Length >= Parts.Length;
}
