using PipeForkAs.Protocol;

namespace PipeForkAs.Daemon.Commands;

/// <summary>A word of a command line that stands for a parameter: <c>{NAME}</c>, the whole word.</summary>
internal static class Placeholder
{
    /// <summary>The parameter's name, or null where the word stands for itself.</summary>
    public static string? Of(string word) =>
        word is ['{', .., '}'] && JobName.IsValid(word[1..^1]) ? word[1..^1] : null;
}
