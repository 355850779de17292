using System.CommandLine;
using System.Globalization;

namespace PipeForkAs.Cli.Commands;

/// <summary>The uid of the process that must listen at the socket; every command has this option.</summary>
internal sealed class DaemonUidOption : Option<string>
{
    private const string Anyone = "any";

    public DaemonUidOption()
        : base("--daemon-uid")
    {
        Description = "The uid of the process that must listen on the socket, or any";
        HelpName = "UID";
        Recursive = true;
        DefaultValueFactory = _ => "0";
        Validators.Add(result =>
        {
            if (result.GetValueOrDefault<string>() is var word && !TryParse(word, out _))
                result.AddError($"--daemon-uid must be a uid in digits, or {Anyone}, not \"{word}\"");
        });
    }

    /// <summary>The uid; null for any.</summary>
    public uint? Uid(ParseResult parsed) => TryParse(parsed.GetValue(this), out uint? uid) ? uid : null;

    /// <summary>Reads a value of the option.</summary>
    /// <param name="word">The value.</param>
    /// <param name="uid">The uid; null for any.</param>
    public static bool TryParse(string? word, out uint? uid)
    {
        bool isNumber = uint.TryParse(word, NumberStyles.None, CultureInfo.InvariantCulture, out uint number);
        uid = isNumber ? number : null;
        return isNumber || word == Anyone;
    }
}
