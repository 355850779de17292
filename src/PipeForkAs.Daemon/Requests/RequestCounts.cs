using PipeForkAs.Protocol.Client;

namespace PipeForkAs.Daemon.Requests;

/// <summary>Counts the requests since the daemon started.</summary>
/// <param name="changed">Called after every change.</param>
internal sealed class RequestCounts(Action changed)
{
    private static readonly ReplyCode[] Codes = Enum.GetValues<ReplyCode>();
    private readonly long[] byCode = new long[Codes.Length];

    /// <summary>The number of running jobs.</summary>
    public int Running { get; private set; }

    /// <summary>The number of requests whose job ran, with any result, and of queries that succeeded.</summary>
    public long Served { get; private set; }

    /// <summary>The number of refused requests, for which nothing ran.</summary>
    public long Refused { get; private set; }

    /// <summary>The number of requests for each reply code. Contains all codes by their names on the wire, sorted by name.</summary>
    public SortedDictionary<string, long> ByCode() =>
        new(Codes.ToDictionary(code => code.ToWire(), code => byCode[(int)code]), StringComparer.Ordinal);

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
}
