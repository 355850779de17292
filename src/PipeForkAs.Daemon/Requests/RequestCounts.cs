using PipeForkAs.Protocol.Client;

namespace PipeForkAs.Daemon.Requests;

/// <summary>Counts of requests since the daemon started.</summary>
/// <param name="changed">Called after every change.</param>
internal sealed class RequestCounts(Action changed)
{
    private static readonly ReplyCode[] Codes = Enum.GetValues<ReplyCode>();
    private readonly long[] byCode = new long[Codes.Length];

    /// <summary>Jobs that run now.</summary>
    public int Running { get; private set; }

    /// <summary>Requests that came to their end with whatever the job made of them.</summary>
    public long Served { get; private set; }

    /// <summary>Requests that were answered with a refusal: nothing was run for them.</summary>
    public long Refused { get; private set; }

    /// <summary>Requests by the code that they were answered with: all codes, by their words on the wire, in the order of these.</summary>
    public SortedDictionary<string, long> ByCode() =>
        new(Codes.ToDictionary(code => code.ToWire(), code => byCode[(int)code]), StringComparer.Ordinal);

    /// <summary>A job begins.</summary>
    public void Begun()
    {
        Running++;
        changed();
    }

    /// <summary>A job has ended.</summary>
    public void Ended()
    {
        Running--;
        changed();
    }

    /// <summary>A request was answered.</summary>
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
