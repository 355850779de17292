using PipeForkAs.Protocol;

namespace PipeForkAs.Daemon.Configuration;

/// <summary>The configuration is refused. Each problem names file, key and what to do.</summary>
internal sealed class ConfigurationException : Exception
{
    private readonly IReadOnlyList<(string? Key, string Text)> problems;

    /// <summary>Makes the exception. Problems quote keys and values, which may hold anything: each becomes one line.</summary>
    /// <param name="problems">The problems, with their files.</param>
    public ConfigurationException(IReadOnlyList<string> problems)
        : this([.. problems.Select(problem => ((string?)null, problem))])
    {
    }

    /// <summary>The same with one problem.</summary>
    public ConfigurationException(string problem)
        : this([problem])
    {
    }

    /// <summary>The same where the file is not known; <see cref="In"/> adds it.</summary>
    /// <param name="problems">The problems with their keys.</param>
    public ConfigurationException(IEnumerable<(string Key, string Problem)> problems)
        : this([.. problems.Select(problem => ((string?)problem.Key, problem.Problem))])
    {
    }

    /// <summary>The same with one problem.</summary>
    public ConfigurationException(string key, string problem)
        : this([(key, problem)])
    {
    }

    private ConfigurationException((string? Key, string Text)[] problems)
        : base(string.Join(Environment.NewLine, problems.Select(Line))) => this.problems = problems;

    /// <summary>The problems, a line each.</summary>
    public IReadOnlyList<string> Problems => [.. problems.Select(Line)];

    /// <summary>Whether another attempt may succeed without a change of the configuration: the user database did not answer.</summary>
    public bool MayPass { get; init; }

    /// <summary>The same with the file in front of each key.</summary>
    public ConfigurationException In(ConfigurationSources sources) => new(
        [.. problems.Select(problem => problem.Key is { } key ? (null, sources.Line(key, problem.Text)) : problem)])
    { MayPass = MayPass };

    private static string Line((string? Key, string Text) problem) =>
        UntrustedText.Escape(problem.Key is { } key ? $"{key}: {problem.Text}" : problem.Text);
}
