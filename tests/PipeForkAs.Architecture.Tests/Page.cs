namespace PipeForkAs.Tests;

/// <summary>What is packaged to be read by people and shells: manual pages and completions.</summary>
internal static class Page
{
    private static readonly string Packaging = Find();

    /// <summary>The source of a manual page, for example <c>pipeforkas.1</c>.</summary>
    public static string Manual(string name) => File.ReadAllText(Path.Combine(Packaging, "man", name));

    /// <summary>The paths of all manual pages.</summary>
    public static string[] Manuals() => [.. Directory.GetFiles(Path.Combine(Packaging, "man")).Order(StringComparer.Ordinal)];

    /// <summary>A completion's source, for example <c>pipeforkas.fish</c>.</summary>
    public static string Completion(string name) => File.ReadAllText(Path.Combine(Packaging, "completions", name));

    private static string Find()
    {
        string? root = AppContext.BaseDirectory;
        while (root is not null && !File.Exists(Path.Combine(root, "PipeForkAs.sln")))
            root = Path.GetDirectoryName(root);
        return Path.Combine(root ?? throw new InvalidOperationException($"no PipeForkAs.sln above {AppContext.BaseDirectory}"), "packaging");
    }
}
