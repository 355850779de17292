using System.Text.Unicode;

using PipeForkAs.Protocol.Client;

namespace PipeForkAs.Cli.Terminal;

/// <summary>Finds words of the command line that are not UTF-8. The words are bytes, and .NET replaces invalid UTF-8 with U+FFFD. A request
/// is JSON and cannot contain such bytes either. The command must not change the name of a file into another name.
/// </summary>
internal static class RawArguments
{
    private const char Replacement = '\uFFFD';

    /// <exception cref="RequestException">A word is not UTF-8.</exception>
    public static void Check(string[] args)
    {
        if (args.Any(word => word.Contains(Replacement, StringComparison.Ordinal))
            && !Utf8.IsValid(File.ReadAllBytes("/proc/self/cmdline")))
            throw new RequestException(
                "an argument of the command line is not valid UTF-8; send such bytes as the job's standard input");
    }
}
