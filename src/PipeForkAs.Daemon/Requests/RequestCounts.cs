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

    /// <summary>The number of requests whose job ran to its end, with any result.</summary>
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

    /// <summary>Notes the reply code of a request.</summary>
    public void Answered(ReplyCode code)
    {
        byCode[(int)code]++;
        if (code is ReplyCode.BadRequest or ReplyCode.TooLarge or ReplyCode.UnknownJob or ReplyCode.UnknownUser or ReplyCode.BadArguments
            or ReplyCode.Denied or ReplyCode.Busy)
            Refused++;
        else
            Served++;
        changed();
    }
}
