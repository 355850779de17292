namespace PipeForkAs.EndToEnd.Harness;

/// <summary>
/// The native executables under test: in the folder that PIPEFORKAS_NATIVE names, else in artifacts/native of the repository.
/// </summary>
internal static class NativeBuild
{
    public static string Folder { get; } = Find();

    public static string Daemon => Path.Combine(Folder, "pipeforkasd");

    public static string Command => Path.Combine(Folder, "pipeforkas");

    public static string StockJobs => Path.Combine(Folder, "pipeforkas-jobs");

    public static string TestJobs => Path.Combine(Folder, "pipeforkas-test-jobs");

    /// <summary>The job host of "Write a job" in README, built as README says.</summary>
    public static string ReadmeJobs => Path.Combine(Folder, "panel-jobs");

    private static string Find()
    {
        if (Environment.GetEnvironmentVariable("PIPEFORKAS_NATIVE") is { Length: > 0 } folder)
            return folder;
        for (string? parent = AppContext.BaseDirectory; parent is not null; parent = Path.GetDirectoryName(parent))
        {
            if (File.Exists(Path.Combine(parent, "PipeForkAs.sln")))
                return Path.Combine(parent, "artifacts/native");
        }

        throw new InvalidOperationException("PIPEFORKAS_NATIVE does not name the folder of the native executables; tests/run.sh sets it");
    }
}
