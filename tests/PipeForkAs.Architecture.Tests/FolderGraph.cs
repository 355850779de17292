using System.Text.RegularExpressions;

namespace PipeForkAs.Architecture.Tests;

/// <summary>
/// The dependencies between the folders of a source project, from the <c>using</c> lines and the qualified names in their files.
/// </summary>
internal sealed partial class FolderGraph
{
    /// <summary>Represents the files beside the folders.</summary>
    public const string Root = "(project)";

    private readonly Dictionary<string, SortedSet<string>> uses = new(StringComparer.Ordinal);

    /// <param name="project">The project's name, which its namespaces begin with.</param>
    /// <param name="files">Its files: the folder, or <see cref="Root"/>, and the code without comments and texts.</param>
    public FolderGraph(string project, IReadOnlyList<(string Folder, string Code)> files)
    {
        Project = project;
        foreach ((string folder, _) in files)
            uses.TryAdd(folder, new SortedSet<string>(StringComparer.Ordinal));
        Dictionary<string, HashSet<string>> types = uses.Keys.ToDictionary(
            folder => folder,
            folder =>
                files.Where(file => file.Folder == folder).SelectMany(file => Declaration().Matches(file.Code)).Select(
                    match => match.Groups[1].Value).ToHashSet());
        foreach ((string folder, string code) in files)
        {
            foreach (Match match in QualifiedName().Matches(code))
            {
                string[] parts = match.Value.StartsWith(project + ".", StringComparison.Ordinal)
                    ? match.Value[(project.Length + 1)..].Split('.') : match.Value.Split('.');
                bool isOfUsing = Using().IsMatch(code[..match.Index].Split('\n')[^1]);
                if (parts[0] != folder && parts[0] != Root && uses.ContainsKey(parts[0])
                    && (isOfUsing
                        ? match.Value.StartsWith(project + ".", StringComparison.Ordinal)
                        : parts.Length > 1 && types[parts[0]].Contains(parts[1])))
                    uses[folder].Add(parts[0]);
            }
        }
    }

    public string Project { get; }

    public IEnumerable<string> Folders => uses.Keys;

    /// <summary>The folders that a folder uses directly.</summary>
    public IReadOnlyCollection<string> UsedBy(string folder) => uses[folder];

    /// <summary>Reads a project of the repository.</summary>
    public static FolderGraph Of(Project project)
    {
        string home = Path.GetDirectoryName(project.Path)! + "/";
        return new FolderGraph(project.Name, [.. from file in Repository.SourceFiles
                                                 where file.Path.StartsWith(home, StringComparison.Ordinal)
                                                 let parts = file.Path[home.Length..].Split('/')
                                                 select (parts.Length > 1 ? parts[0] : Root, file.Code)]);
    }

    /// <summary>The graph as text, a line for each folder, the highest first. Omits a folder that is reached through another one.</summary>
    /// <param name="order">The folders, the lowest first.</param>
    public IEnumerable<string> Picture(IReadOnlyList<string> order)
    {
        int width = order.Max(folder => folder.Length);
        foreach (string folder in order.Reverse())
        {
            string[] direct = [.. uses[folder].Where(used => !uses[folder].Any(other => other != used && Reaches(other, used)))];
            string[] sorted = [.. direct.OrderByDescending(used => order.ToList().IndexOf(used))];
            yield return sorted.Length == 0 ? $"    {folder}" : $"    {folder.PadRight(width)} -> {string.Join(", ", sorted)}";
        }
    }

    private bool Reaches(string from, string to) => Reaches(from, to, []);

    private bool Reaches(string from, string to, HashSet<string> seen) =>
        seen.Add(from) && (uses[from].Contains(to) || uses[from].Any(next => Reaches(next, to, seen)));

    [GeneratedRegex(@"\b(?:class|struct|record|interface|enum|record struct|record class|delegate [\w<>?\[\]]+) (\w+)")]
    private static partial Regex Declaration();

    [GeneratedRegex(@"(?<![\w.])[A-Z]\w*(?:\.[A-Z]\w*)+")]
    private static partial Regex QualifiedName();

    [GeneratedRegex(@"^\s*(global\s+)?using\s+(static\s+|\w+\s*=\s*)?$")]
    private static partial Regex Using();
}
