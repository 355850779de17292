using System.Text.RegularExpressions;

namespace PipeForkAs.Architecture.Tests;

/// <summary>A source file and its code without comments and string contents.</summary>
internal sealed partial class SourceFile(string path)
{
    public string Path { get; } = path;

    public string Text { get; } = File.ReadAllText(System.IO.Path.Combine(Repository.Root, path));

    /// <summary>The code without comments and the content of strings.</summary>
    public string Code => CommentsAndTexts().Replace(Text, match => match.Value[0] == '/' ? "" : "\"\"");

    public bool IsIn(string folder) => Path.StartsWith(folder + "/", StringComparison.Ordinal);

    public override string ToString() => Path;

    [GeneratedRegex(
        """//[^\n]*|/\*.*?\*/|\$*\"{3,}.*?\"{3,}|\$?@\$?"(?:[^"]|"")*"|\$?"(?:\\.|[^"\\\n])*"|'(?:\\.|[^'\\\n])+'""",
        RegexOptions.Singleline)]
    private static partial Regex CommentsAndTexts();
}
