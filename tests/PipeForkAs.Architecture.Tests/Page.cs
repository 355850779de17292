namespace PipeForkAs.Tests;

/// <summary>The documents for people and shells: README and similar files, manual pages and completions.</summary>
internal static class Page
{
    /// <summary>The folder of the repository.</summary>
    public static string Root { get; } = Find();

    private static string Packaging => Path.Combine(Root, "packaging");

    /// <summary>The source of a manual page, for example <c>pipeforkas.1</c>.</summary>
    public static string Manual(string name) => File.ReadAllText(Path.Combine(Packaging, "man", name));

    /// <summary>The paths of all manual pages.</summary>
    public static string[] Manuals() => [.. Directory.GetFiles(Path.Combine(Packaging, "man")).Order(StringComparer.Ordinal)];

    /// <summary>A completion's source, for example <c>pipeforkas.fish</c>.</summary>
    public static string Completion(string name) => File.ReadAllText(Path.Combine(Packaging, "completions", name));

    /// <summary>The first code block of README in a language after a heading.</summary>
    public static string Example(string heading, string language)
    {
        string[] lines = File.ReadAllLines(Path.Combine(Root, "README.md"));
        string[] example =
        [
            .. lines.SkipWhile(line => line.TrimStart('#') != $" {heading}").SkipWhile(line => line != $"```{language}").Skip(1)
                .TakeWhile(line => line != "```"),
        ];
        return example.Length > 0
            ? string.Join('\n', example)
            : throw new InvalidOperationException($"README.md has no {language} after \"{heading}\"");
    }

    /// <summary>All blocks of code in a language in a document.</summary>
    /// <param name="document">Its path in the repository.</param>
    /// <param name="language">The word after the opening fence.</param>
    public static string[] Examples(string document, string language)
    {
        var examples = new List<string>();
        List<string>? block = null;
        foreach (string line in File.ReadLines(Path.Combine(Root, document)))
        {
            if (block is null)
            {
                block = line == $"```{language}" ? [] : null;
            }
            else if (line == "```")
            {
                examples.Add(string.Concat(block.Select(text => $"{text}\n")));
                block = null;
            }
            else
            {
                block.Add(line);
            }
        }

        return examples.Count > 0 ? [.. examples] : throw new InvalidOperationException($"{document} has no {language}");
    }

    /// <summary>
    /// The commands of a document: the lines of its indented blocks, without comments. In a block with <c>$</c> prompts only the lines with
    /// a prompt are commands; drawings and blocks between two marker comments have none.
    /// </summary>
    /// <param name="document">Its path in the repository.</param>
    /// <param name="heading">Only the text after this heading, until the next one; null for all.</param>
    public static string[] Commands(string document, string? heading = null)
    {
        var commands = new List<string>();
        var block = new List<string>();
        bool fenced = false, marked = false, inSection = heading is null;
        foreach (string line in File.ReadLines(Path.Combine(Root, document)).Append(""))
        {
            if (line.StartsWith("```", StringComparison.Ordinal))
                fenced = !fenced;
            else if (!fenced && line.StartsWith("<!--", StringComparison.Ordinal))
                marked = !line.StartsWith("<!-- end", StringComparison.Ordinal);
            else if (!fenced && line.StartsWith('#'))
                inSection = heading is null || line.TrimStart('#') == $" {heading}";
            else if (!fenced && !marked && inSection && line.StartsWith("    ", StringComparison.Ordinal))
                block.Add(line[4..]);
            else
                AddCommands(commands, block);
        }

        return [.. commands];
    }

    private static void AddCommands(List<string> commands, List<string> block)
    {
        bool isDrawing = block.Exists(line => line.AsSpan().ContainsAny('│', '─', '┌'));
        bool hasPrompts = block.Exists(line => line.StartsWith("$ ", StringComparison.Ordinal));
        if (!isDrawing)
        {
            commands.AddRange(block
                .Where(line => !hasPrompts || line.StartsWith("$ ", StringComparison.Ordinal))
                .Select(line => line[(hasPrompts ? 2 : 0)..].Split("  #")[0].TrimEnd()));
        }

        block.Clear();
    }

    private static string Find()
    {
        string? root = AppContext.BaseDirectory;
        while (root is not null && !File.Exists(Path.Combine(root, "PipeForkAs.sln")))
            root = Path.GetDirectoryName(root);
        return root ?? throw new InvalidOperationException($"no PipeForkAs.sln above {AppContext.BaseDirectory}");
    }
}
