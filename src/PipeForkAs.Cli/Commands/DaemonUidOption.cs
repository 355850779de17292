using System.CommandLine;
using System.CommandLine.Parsing;
using System.Globalization;

namespace PipeForkAs.Cli.Commands;

/// <summary>Whose process must listen at the socket; every command has it.</summary>
internal sealed class DaemonUidOption : Option<uint?>
{
    private const string Anyone = "any";

    public DaemonUidOption()
        : base("--daemon-uid")
    {
        Description = "The uid whose process must listen at the socket, or any";
        HelpName = "UID";
        Recursive = true;
        DefaultValueFactory = _ => 0;
        CustomParser = Parse;
    }

    private static uint? Parse(ArgumentResult result)
    {
        string word = result.Tokens.Count == 1 ? result.Tokens[0].Value : "";
        if (word == Anyone)
            return null;
        if (uint.TryParse(word, NumberStyles.None, CultureInfo.InvariantCulture, out uint uid))
            return uid;
        result.AddError($"--daemon-uid {word}: must be a uid in digits, or {Anyone}");
        return 0;
    }
}
