using PipeForkAs.Protocol.Client;

namespace PipeForkAs.Cli.Commands;

/// <summary>Reads the values of <c>--env</c>.</summary>
internal static class EnvironmentPairs
{
    /// <exception cref="RequestException">
    /// A word is not <c>NAME=VALUE</c>, or a name appears twice. The request checks the names.
    /// </exception>
    public static Dictionary<string, string>? Parse(IReadOnlyList<string> words)
    {
        if (words.Count == 0)
            return null;

        Dictionary<string, string> variables = new(StringComparer.Ordinal);
        foreach (string word in words)
        {
            int separator = word.IndexOf('=', StringComparison.Ordinal);
            if (separator <= 0)
                throw new RequestException($"--env \"{word}\" is not of the form NAME=VALUE");
            if (!variables.TryAdd(word[..separator], word[(separator + 1)..]))
                throw new RequestException($"--env gives {word[..separator]} twice");
        }

        return variables;
    }
}
