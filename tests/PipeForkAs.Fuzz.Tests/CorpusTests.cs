using PipeForkAs.Fuzz.Driver;
using PipeForkAs.Fuzz.Targets;

namespace PipeForkAs.Fuzz.Tests;

/// <summary>Runs the corpus without fuzzing: each finding is a file of the corpus.</summary>
public sealed class CorpusTests
{
    private const int MostFiles = 900;
    private const int MostBytes = 1024 * 1024;

    private static readonly string Folder = Path.Combine(FindRoot(), "tests", "fuzz", "corpus");

    public static TheoryData<string> Names => [.. AllTargets.List.Select(target => target.Name)];

    [Theory(Timeout = 120_000)]
    [MemberData(nameof(Names))]
    public async Task Every_input_of_the_corpus_is_accepted_or_refused_as_expected(string name)
    {
        Target target = AllTargets.Find(name)!;
        IReadOnlyList<(string Path, byte[] Input)> corpus = Corpus.Read([Path.Combine(Folder, name)]);
        CancellationToken end = TestContext.Current.CancellationToken;
        int accepted = await Task.Run(() => corpus.Count(file => IsAccepted(target, file.Path, file.Input)), end);

        // Inputs that are all refused, or all accepted, would test little.
        Assert.InRange(accepted, 1, corpus.Count - 1);
    }

    [Fact]
    public void The_corpus_is_small_and_has_a_folder_for_each_target()
    {
        string?[] folders = [.. Directory.GetDirectories(Folder).Select(Path.GetFileName).Order(StringComparer.Ordinal)];
        Assert.Equal(AllTargets.List.Select(target => target.Name).Order(StringComparer.Ordinal), folders);
        FileInfo[] files = new DirectoryInfo(Folder).GetFiles("*", SearchOption.AllDirectories);
        Assert.InRange(files.Length, 1, MostFiles);
        Assert.InRange(files.Sum(file => file.Length), 1, MostBytes);
    }

    private static bool IsAccepted(Target target, string path, byte[] input)
    {
        try
        {
            return target.Check(input);
        }
#pragma warning disable CA1031 // Every exception is a finding.
        catch (Exception failure)
#pragma warning restore CA1031
        {
            throw new InvalidOperationException($"{path}\n{Report.Of(target, input, failure)}", failure);
        }
    }

    private static string FindRoot()
    {
        string? folder = AppContext.BaseDirectory;
        while (folder is not null && !File.Exists(Path.Combine(folder, "PipeForkAs.sln")))
            folder = Path.GetDirectoryName(folder);
        return folder ?? throw new InvalidOperationException($"no PipeForkAs.sln above {AppContext.BaseDirectory}");
    }
}
