namespace PipeForkAs.Protocol;

/// <summary>The name with which a program was started, argv[0]. The process that starts the program chooses it, and can leave it out
/// (execve(2)). The library that parses command lines throws if it is not a name.
/// </summary>
public static class OwnName
{
    /// <summary>The message for a missing name.</summary>
    public const string Problem = "it was started without its own name as first argument (argv[0]); start it as a shell does";

    /// <summary>Whether the name is missing or not valid.</summary>
    public static bool IsMissing => IsNoName(Environment.GetCommandLineArgs() is [var name, ..] ? name : "");

    /// <summary>Whether a first argument is not a valid name.</summary>
    public static bool IsNoName(string argument) =>
        Path.GetFileNameWithoutExtension(argument).Replace(" ", "", StringComparison.Ordinal) is var name
        && (name.Length == 0 || name.Any(char.IsWhiteSpace));
}
