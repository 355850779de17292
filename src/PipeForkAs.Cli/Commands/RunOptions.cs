namespace PipeForkAs.Cli.Commands;

/// <summary>What a command line of <c>run</c> says.</summary>
/// <param name="Job">The job's name.</param>
internal sealed record RunOptions(string Job)
{
    /// <summary><c>--host</c>; null for the environment.</summary>
    public string? Host { get; init; }

    /// <summary><c>--socket</c>.</summary>
    public string? Socket { get; init; }

    /// <summary><c>--daemon-uid</c>; null for any.</summary>
    public uint? DaemonUid { get; init; } = 0;

    /// <summary><c>--user</c>.</summary>
    public string? User { get; init; }

    /// <summary><c>--timeout</c>.</summary>
    public TimeSpan? Timeout { get; init; }

    /// <summary>The values of <c>--env</c>.</summary>
    public IReadOnlyList<string> Environment { get; init; } = [];

    /// <summary>The words <c>NAME=VALUE</c>.</summary>
    public IReadOnlyList<string> Pairs { get; init; } = [];

    /// <summary><c>--args</c>.</summary>
    public string? Arguments { get; init; }

    /// <summary><c>--no-stdin</c>.</summary>
    public bool HasNoInput { get; init; }

    /// <summary><c>--frames</c>.</summary>
    public bool Frames { get; init; }

    /// <summary><c>--json</c>.</summary>
    public bool Json { get; init; }
}
