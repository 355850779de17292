using System.Text.Unicode;

using PipeForkAs.Protocol.Client;

namespace PipeForkAs.Cli.Terminal;

/// <summary>
/// Words of the command line are bytes, and .NET puts U+FFFD where they are no UTF-8. A request is JSON and cannot carry such bytes
/// either; a file's name must not be changed into another one on the way.
/// </summary>
internal static class RawArguments
{
    private const char Replacement = '\uFFFD';

    /// <exception cref="RequestException">A word is no UTF-8.</exception>
    public static void Check(string[] args)
    {
        if (args.Any(word => word.Contains(Replacement, StringComparison.Ordinal))
            && !Utf8.IsValid(File.ReadAllBytes("/proc/self/cmdline")))
            throw new RequestException(
                "a word of the command line is not valid UTF-8, which a request must be; send such bytes as the job's standard input");
    }
}
