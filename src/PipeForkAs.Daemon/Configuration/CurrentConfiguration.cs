namespace PipeForkAs.Daemon.Configuration;

/// <summary>
/// The configuration in effect: one immutable snapshot. A reload replaces the snapshot as a whole, on the loop. Code that needs a value
/// reads it here; only a request keeps the values with which it began.
/// </summary>
internal sealed class CurrentConfiguration(DaemonOptions options)
{
    public DaemonOptions Value { get; private set; } = options;

    public LimitOptions Limits => Value.Limits;

    public PolicyOptions Policy => Value.Policy;

    public void Replace(DaemonOptions fresh) => Value = fresh;
}
