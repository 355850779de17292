namespace PipeForkAs.Protocol;

/// <summary>The valid names of a job.</summary>
public static class JobName
{
    /// <summary>The rule in words that fit after "must be".</summary>
    public const string Rule = "1 to 64 characters of a-z, A-Z, 0-9, '-', '_' and '.', the first a letter or a digit";

    /// <summary>Whether a name follows the rule.</summary>
    public static bool IsValid(string? name)
    {
        if (name is null || name.Length is 0 or > 64 || !char.IsAsciiLetterOrDigit(name[0]))
            return false;

        foreach (char c in name)
        {
            if (!char.IsAsciiLetterOrDigit(c) && c is not ('-' or '_' or '.'))
                return false;
        }

        return true;
    }
}
