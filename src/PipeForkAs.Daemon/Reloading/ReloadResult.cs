namespace PipeForkAs.Daemon.Reloading;

/// <summary>What came of a reload.</summary>
/// <param name="Changed">What differs from before, one item each; empty where nothing does, or where the reload was refused.</param>
/// <param name="Problems">Why it was refused, one line each; empty where it was not.</param>
internal sealed record ReloadResult(IReadOnlyList<string> Changed, IReadOnlyList<string> Problems)
{
    /// <summary>Whether nothing was taken over, and everything is as before.</summary>
    public bool IsRefused => Problems.Count > 0;

    /// <summary>A reload that succeeded.</summary>
    public static ReloadResult Of(IReadOnlyList<string> changed) => new(changed, []);

    /// <summary>A reload that was refused.</summary>
    public static ReloadResult Refused(IReadOnlyList<string> problems) => new([], problems);
}
