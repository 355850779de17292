using PipeForkAs.Protocol.Client;

namespace PipeForkAs.Cli.Commands;

/// <summary>Reads the words of <c>--env</c>.</summary>
internal static class EnvironmentPairs
{
    /// <exception cref="RequestException">A word is no <c>NAME=VALUE</c>, or a name stands twice. Names are checked by the
    /// request.</exception>
    public static Dictionary<string, string>? Parse(string[] words)
    {
        if (words.Length == 0)
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
