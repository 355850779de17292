using PipeForkAs.LibC;

namespace PipeForkAs.Bench;

/// <summary>The folder of a run, and its errors.</summary>
internal sealed class Place(Settings settings, string folder, PasswordEntry user, CancellationToken cancellation)
{
    private int names;

    public Settings Settings => settings;

    /// <summary>A folder of root that all users can enter: sockets, configurations, logs.</summary>
    public string Folder => folder;

    public PasswordEntry User => user;

    public CancellationToken Cancellation => cancellation;

    /// <summary>Wrong replies and failed calls: each makes the run fail.</summary>
    public List<string> Problems { get; } = [];

    public string Floor => Path.Combine(settings.Tools, "floor");

    public string Native(string program) => Path.Combine(settings.Native, program);

    /// <summary>A unique file of this run.</summary>
    public string Fresh(string name) => Path.Combine(folder, $"{++names}.{name}");

    /// <summary>Runs the load generator. Returns null if it measured nothing, and stores the problem.</summary>
    public async Task<LoadResult?> LoadAsync(string what, params IEnumerable<string> options)
    {
        string[] words = [Path.Combine(settings.Tools, "load"), .. options];
        ToolResult result = await Tool.RunAsync(words, cancellation);
        LoadResult? measured = LoadResult.Read(result.Output);
        if (result.ExitCode == 0)
            return measured;
        string counts = measured is null
            ? "nothing was measured"
            : $"ok={measured.Right} bad={measured.Values["bad"]} err={measured.Values["err"]} {measured.Codes}";
        Problems.Add($"{what}: {counts}: {result.Error.Trim()} ({string.Join(' ', words)})");
        return measured;
    }
}
