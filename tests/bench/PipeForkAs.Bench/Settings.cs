namespace PipeForkAs.Bench;

/// <summary>The measurements and their durations.</summary>
internal sealed record Settings(
    bool Quick, int Soak, string Native, string Tools, string Sources, string Output, string Commit, IReadOnlyCollection<string> Only,
    string? Former)
{
    public const string Start = "start";
    public const string Memory = "memory";
    public const string Latency = "latency";
    public const string Command = "command";
    public const string Remote = "remote";
    public const string Relay = "relay";
    public const string Streams = "streams";
    public const string Sustained = "sustained";

    public static readonly string[] Parts = [Start, Memory, Latency, Command, Remote, Relay, Streams, Sustained];

    /// <summary>How often the contenders alternate; the report has the median of this number.</summary>
    public int Rounds => Quick ? 5 : 9;

    /// <summary>Requests of one contender in one round, at most.</summary>
    public int Requests => Quick ? 400 : 2000;

    /// <summary>Seconds of one contender in one round, at most.</summary>
    public double RoundSeconds => Quick ? 0.25 : 1.0;

    public int IdleConnections => 10_000;

    public long RelayBytes => Quick ? 1L << 28 : 1L << 30;

    public int StreamCount => 64;

    /// <summary>Seconds that streams are counted.</summary>
    public double StreamSeconds => Quick ? 1 : 8;

    /// <summary>Rounds of streams: one round has many measurements.</summary>
    public int StreamRounds => Quick ? 3 : 5;

    /// <summary>Seconds of one contender in each of <see cref="SustainedRounds"/>: two minutes of it in a full run.</summary>
    public double SustainedSeconds => Quick ? 1 : 24;

    public int SustainedRounds => 5;

    public int Starts => Quick ? 5 : 20;

    public bool Does(string part) => Soak == 0 && (Only.Count == 0 || Only.Contains(part));
}
