namespace PipeForkAs.Protocol;

/// <summary>
/// The name by which a program was started, argv[0]. Whoever starts it chooses that, also as nothing at all (execve(2)), and the library
/// that reads command lines throws where it is no name.
/// </summary>
public static class OwnName
{
    /// <summary>What to say where it is missing.</summary>
    public const string Problem = "it was started without its own name as first argument (argv[0]); start it as a shell does";

    /// <summary>Whether it is missing, or no name.</summary>
    public static bool IsMissing => IsNoName(Environment.GetCommandLineArgs() is [var name, ..] ? name : "");

    /// <summary>Whether a first argument is no name.</summary>
    public static bool IsNoName(string argument) =>
        Path.GetFileNameWithoutExtension(argument).Replace(" ", "", StringComparison.Ordinal) is var name
        && (name.Length == 0 || name.Any(char.IsWhiteSpace));
}
