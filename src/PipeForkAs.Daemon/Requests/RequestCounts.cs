using PipeForkAs.Client;
using PipeForkAs.Daemon.Authorization;
using PipeForkAs.Protocol.Client;

namespace PipeForkAs.Daemon.Requests;

/// <summary>Counts the requests since the daemon started.</summary>
/// <param name="changed">Called after every change.</param>
internal sealed class RequestCounts(Action changed)
{
    private static readonly ReplyCode[] Codes = Enum.GetValues<ReplyCode>();
    private static readonly JobKind[] Kinds = Enum.GetValues<JobKind>();
    private readonly long[] byCode = new long[Codes.Length];
    private readonly DurationHistogram[] byKind = [.. Kinds.Select(static _ => new DurationHistogram())];

    /// <summary>Contains only names of rules, so its size follows the policies since the daemon started; "" for no rule.</summary>
    private readonly SortedDictionary<string, long> denials = new(StringComparer.Ordinal);

    /// <summary>The number of running jobs.</summary>
    public int Running { get; private set; }

    /// <summary>The number of requests whose job ran, with any result, and of queries that succeeded.</summary>
    public long Served { get; private set; }

    /// <summary>The number of refused requests, for which nothing ran.</summary>
    public long Refused { get; private set; }

    /// <summary>The number of requests for each reply code. Contains all codes by their names on the wire, sorted by name.</summary>
    public SortedDictionary<string, long> ByCode() =>
        new(Codes.ToDictionary(code => code.ToWire(), code => byCode[(int)code]), StringComparer.Ordinal);

    /// <summary>The durations of the jobs of each kind. Contains all kinds by their names on the wire.</summary>
    public IReadOnlyDictionary<string, DurationStatus> Durations() =>
        Kinds.ToDictionary(static kind => kind.ToString().ToLowerInvariant(), kind => byKind[(int)kind].ToStatus(), StringComparer.Ordinal);

    /// <summary>The numbers of denied requests to run a job, by the rule that decided, sorted by the rule's name.</summary>
    public IReadOnlyList<DenialStatus> Denials() =>
        [.. denials.Select(static denial => new DenialStatus(denial.Key.Length == 0 ? null : denial.Key, denial.Value))];

    /// <summary>Notes that a job began.</summary>
    public void Begun()
    {
        Running++;
        changed();
    }

    /// <summary>Notes that a job ended.</summary>
    public void Ended()
    {
        Running--;
        changed();
    }

    /// <summary>Notes the end of a request.</summary>
    public void Answered(EndRecord end)
    {
        byCode[(int)end.Code]++;
        if (end.Code != ReplyCode.Ok && end.Pid is null)
            Refused++;
        else
            Served++;
        changed();
    }

    /// <summary>Notes how long a job took, after <see cref="Answered"/>.</summary>
    /// <param name="kind">The kind of the job.</param>
    /// <param name="end">Its end record.</param>
    public void Took(JobKind kind, EndRecord end) => byKind[(int)kind].Add(end.Seconds);

    /// <summary>Notes that the policy denied a request to run a job.</summary>
    public void Denied(Decision decision) => denials[decision.Rule ?? ""] = denials.GetValueOrDefault(decision.Rule ?? "") + 1;
}
