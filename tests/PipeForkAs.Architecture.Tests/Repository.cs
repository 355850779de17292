namespace PipeForkAs.Architecture.Tests;

/// <summary>The files of the repository that the tests were built from.</summary>
internal static class Repository
{
    public static string Root { get; } = FindRoot();

    public static Project[] Projects { get; } = [
        .. Files("*.csproj").Select(path => new Project(path)).OrderBy(project => project.Path, StringComparer.Ordinal)];

    public static Project[] Sources { get; } = [.. Projects.Where(project => project.Path.StartsWith("src/", StringComparison.Ordinal))];

    public static SourceFile[] SourceFiles { get; } = [
        .. Files("*.cs").Where(path => path.StartsWith("src/", StringComparison.Ordinal)).Select(path => new SourceFile(path))];

    public static SourceFile[] TestFiles { get; } = [
        .. Files("*.cs").Where(path => path.StartsWith("tests/", StringComparison.Ordinal)).Select(path => new SourceFile(path))];

    /// <summary>Paths below the root with forward slashes, without build output.</summary>
    public static IEnumerable<string> Files(params string[] patterns) =>
        from folder in (string[])["src", "tests", "eng", "."]
        let path = Path.Combine(Root, folder)
        where Directory.Exists(path)
        from pattern in patterns
        from file in Directory.EnumerateFiles(path, pattern, folder == "." ? SearchOption.TopDirectoryOnly : SearchOption.AllDirectories)
        let relative = Path.GetRelativePath(Root, file)
        where !relative.Split('/').Any(part => part is "bin" or "obj" or "artifacts")
        select relative;

    private static string FindRoot()
    {
        string? folder = AppContext.BaseDirectory;
        while (folder is not null && !File.Exists(Path.Combine(folder, "PipeForkAs.sln")))
            folder = Path.GetDirectoryName(folder);
        return folder ?? throw new InvalidOperationException($"no PipeForkAs.sln above {AppContext.BaseDirectory}");
    }
}
