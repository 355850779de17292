namespace PipeForkAs.Daemon.Reloading;

/// <summary>The result of a reload.</summary>
/// <param name="Changed">The changes, one item each; empty if nothing changed or the reload was refused.</param>
/// <param name="Problems">The reasons why the reload was refused, one line each; empty if it was not refused.</param>
internal sealed record ReloadResult(IReadOnlyList<string> Changed, IReadOnlyList<string> Problems)
{
    /// <summary>Whether the reload was refused and nothing changed.</summary>
    public bool IsRefused => Problems.Count > 0;

    /// <summary>Creates the result of a successful reload.</summary>
    public static ReloadResult Of(IReadOnlyList<string> changed) => new(changed, []);

    /// <summary>Creates the result of a refused reload.</summary>
    public static ReloadResult Refused(IReadOnlyList<string> problems) => new([], problems);
}
