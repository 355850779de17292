namespace PipeForkAs.Tests;

/// <summary>What is there to be read by people and shells: the README, manual pages and completions.</summary>
internal static class Page
{
    private static readonly string Root = Find();
    private static readonly string Packaging = Path.Combine(Root, "packaging");

    /// <summary>The source of a manual page, for example <c>pipeforkas.1</c>.</summary>
    public static string Manual(string name) => File.ReadAllText(Path.Combine(Packaging, "man", name));

    /// <summary>The paths of all manual pages.</summary>
    public static string[] Manuals() => [.. Directory.GetFiles(Path.Combine(Packaging, "man")).Order(StringComparer.Ordinal)];

    /// <summary>A completion's source, for example <c>pipeforkas.fish</c>.</summary>
    public static string Completion(string name) => File.ReadAllText(Path.Combine(Packaging, "completions", name));

    /// <summary>README's first block of code in a language behind a heading, as it stands there.</summary>
    public static string Example(string heading, string language)
    {
        string[] lines = File.ReadAllLines(Path.Combine(Root, "README.md"));
        string[] example = [.. lines.SkipWhile(line => line.TrimStart('#') != $" {heading}").SkipWhile(line => line != $"```{language}").Skip(1).TakeWhile(line => line != "```")];
        return example.Length > 0 ? string.Join('\n', example) : throw new InvalidOperationException($"README.md has no {language} behind \"{heading}\"");
    }

    private static string Find()
    {
        string? root = AppContext.BaseDirectory;
        while (root is not null && !File.Exists(Path.Combine(root, "PipeForkAs.sln")))
            root = Path.GetDirectoryName(root);
        return root ?? throw new InvalidOperationException($"no PipeForkAs.sln above {AppContext.BaseDirectory}");
    }
}
