namespace PipeForkAs.Daemon.Configuration;

/// <summary>
/// The configuration that applies now: one snapshot, to which nobody writes. A reload replaces it as a whole, on the loop; whoever needs a
/// value of it reads it here, and keeps nothing but what a request began with.
/// </summary>
internal sealed class CurrentConfiguration(DaemonOptions options)
{
    public DaemonOptions Value { get; private set; } = options;

    public LimitOptions Limits => Value.Limits;

    public PolicyOptions Policy => Value.Policy;

    public void Replace(DaemonOptions fresh) => Value = fresh;
}
