namespace PipeForkAs.Architecture.Tests;

/// <summary>
/// The folders of each source project have an order: a folder uses only folders below it, so there is no circle. ARCHITECTURE.md shows the
/// graph as these tests print it.
/// </summary>
public sealed class FolderTests
{
    private const string Begin = "<!-- folders -->", End = "<!-- end of folders -->";

    /// <summary>The folders of each project, the lowest first.</summary>
    private static readonly Dictionary<string, string[]> Order = new()
    {
        ["PipeForkAs.LibC"] = ["Types", "Own", FolderGraph.Root],
        ["PipeForkAs.Protocol"] = ["Client", "Worker", FolderGraph.Root],
        ["PipeForkAs.Client"] = ["Exchanges", FolderGraph.Root],
        ["PipeForkAs.Cli"] = ["Terminal", "Exchanges", "Replies", "Commands", FolderGraph.Root],
        ["PipeForkAs.Jobs"] = ["Runtime", "Registration", "Worker", "Forking", "ByHand", FolderGraph.Root],
        ["PipeForkAs.Jobs.Testing"] = [FolderGraph.Root],
        ["PipeForkAs.Files"] = ["Settings", "Logging", "Paths", "Html", "Jobs", "Sessions", "Pages", "Endpoints", FolderGraph.Root],
        ["PipeForkAs.StockJobs"] = [FolderGraph.Root],
        ["PipeForkAs.Daemon"] =
        [
            "EventLoop", "Digests", "Files", "Logging", "Fairness", "Processes", "Callers", "Configuration", "Patterns", "Untrusted",
            "Users", "Isolation", "Commands", "Forking", "Accounts", "Authorization", "Listening", "Replying", "Relaying", "Auditing",
            "Loading", "Systemd",
            "Upgrading", "Reloading", "Requests", "Hosting", FolderGraph.Root,
        ],
    };

    public static TheoryData<string> Projects => [.. Repository.Sources.Select(project => project.Name)];

    [Theory]
    [MemberData(nameof(Projects))]
    public void Each_folder_has_a_position_in_the_order(string project) =>
        Assert.Equal(Graph(project).Folders.Order(StringComparer.Ordinal), Order[project].Order(StringComparer.Ordinal));

    [Theory]
    [MemberData(nameof(Projects))]
    public void A_folder_uses_only_folders_below_it(string project)
    {
        FolderGraph graph = Graph(project);
        string[] order = Order[project];
        Assert.Empty(
            from folder in graph.Folders
            from used in graph.UsedBy(folder)
            where Array.IndexOf(order, used) >= Array.IndexOf(order, folder)
            select $"{folder} uses {used}, which is above it");
    }

    /// <summary>Types in the root namespace of the project are visible in every folder without a <c>using</c> line.</summary>
    [Fact]
    public void The_daemon_has_no_types_outside_its_folders() => Assert.Equal(
        ["src/PipeForkAs.Daemon/Program.cs"],
        Repository.SourceFiles.Where(file => Path.GetDirectoryName(file.Path) == "src/PipeForkAs.Daemon").Select(file => file.Path));

    [Fact]
    public void The_diagram_in_ARCHITECTURE_matches_the_dependencies()
    {
        string page = File.ReadAllText(Path.Combine(Repository.Root, "ARCHITECTURE.md"));
        int begin = page.IndexOf(Begin, StringComparison.Ordinal), end = page.IndexOf(End, StringComparison.Ordinal);
        Assert.True(begin >= 0 && begin < end, $"ARCHITECTURE.md has no lines {Begin} and {End}");
        string expected = Picture();
        string shown = page[(begin + Begin.Length)..end].Trim('\n');
        Assert.True(expected == shown, $"ARCHITECTURE.md shows another graph; the lines between {Begin} and {End} must be:\n{expected}");
    }

    [Theory]
    [InlineData("using P.Low;", true)]
    [InlineData("using static P.Low.Tool;", true)]
    [InlineData("using Tool = P.Low.Tool;", true)]
    [InlineData("class A : Low.Tool;", true)]
    [InlineData("class A { P.Low.Tool? tool; }", true)]
    [InlineData("using Other.Low;", false)]
    [InlineData("class A { int Low => 1; int B => this.Low.Tool; }", false)]
    [InlineData("class A { int B => Low.Count; }", false)]
    public void A_using_line_and_a_qualified_name_count_as_a_use(string code, bool isSeen)
    {
        var graph = new FolderGraph("P", [("High", code), ("Low", "namespace P.Low; class Tool;")]);
        Assert.Equal(isSeen ? ["Low"] : [], graph.UsedBy("High"));
        Assert.Empty(graph.UsedBy("Low"));
    }

    private static string Picture() =>
        string.Join("\n\n", Repository.Sources.Select(project => Graph(project.Name)).Where(graph => graph.Folders.Count() > 1)
        .Select(graph => $"{graph.Project}\n\n{string.Join('\n', graph.Picture(Order[graph.Project]))}"));

    private static FolderGraph Graph(string project) => FolderGraph.Of(Repository.Sources.Single(each => each.Name == project));
}
