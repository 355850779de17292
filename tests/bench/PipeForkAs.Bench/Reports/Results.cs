using PipeForkAs.Bench.Cases;
using PipeForkAs.Bench.Contenders;

namespace PipeForkAs.Bench.Reports;

/// <summary>All results of a run; null for those that were not measured.</summary>
internal sealed class Results(Settings settings)
{
    public Settings Settings => settings;

    public DateTimeOffset Date { get; } = DateTimeOffset.UtcNow;

    public string LoadBefore { get; } = Machine.Load();

    public string LoadAfter { get; set; } = "";

    public TimeSpan Elapsed { get; set; }

    public IReadOnlyList<string> Problems { get; set; } = [];

    public IReadOnlyList<Missing> Missing { get; set; } = [];

    public StartResult? Start { get; set; }

    public MemoryResult? Memory { get; set; }

    public Comparison? OneClient { get; set; }

    public Comparison? WithPauses { get; set; }

    public Comparison? FewClients { get; set; }

    public Comparison? ManyClients { get; set; }

    public Comparison? Bursts { get; set; }

    public Comparison? BesideIdle { get; set; }

    public CommandResult? Command { get; set; }

    public Comparison? Remote { get; set; }

    public Comparison? Relay { get; set; }

    public Comparison? Streams { get; set; }

    public SustainedResult? Sustained { get; set; }

    public SoakResult? Soak { get; set; }
}
