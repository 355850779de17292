using PipeForkAs.Protocol;

namespace PipeForkAs.Daemon.Configuration;

/// <summary>The configuration is rejected. Each problem names file, key and what to do.</summary>
internal sealed class ConfigurationException : Exception
{
    private readonly IReadOnlyList<(string? Key, string Text)> problems;

    /// <summary>Makes the exception. Problems quote keys and values, which can contain any text: each problem becomes one line.</summary>
    /// <param name="problems">The problems, with their files.</param>
    public ConfigurationException(IReadOnlyList<string> problems)
        : this([.. problems.Select(problem => ((string?)null, problem))])
    {
    }

    /// <summary>Makes the exception with one problem.</summary>
    public ConfigurationException(string problem)
        : this([problem])
    {
    }

    /// <summary>Makes the exception if the file is not known; <see cref="In"/> adds it.</summary>
    /// <param name="problems">The problems with their keys.</param>
    public ConfigurationException(IEnumerable<(string Key, string Problem)> problems)
        : this([.. problems.Select(problem => ((string?)problem.Key, problem.Problem))])
    {
    }

    /// <summary>Makes the exception with one problem and its key.</summary>
    public ConfigurationException(string key, string problem)
        : this([(key, problem)])
    {
    }

    private ConfigurationException((string? Key, string Text)[] problems)
        : base(string.Join(Environment.NewLine, problems.Select(Line))) => this.problems = problems;

    /// <summary>The problems, one line each.</summary>
    public IReadOnlyList<string> Problems => [.. problems.Select(Line)];

    /// <summary>Whether another attempt can succeed without a change of the configuration: the user database did not answer.</summary>
    public bool MayPass { get; init; }

    /// <summary>Returns the same exception with the file before each key.</summary>
    public ConfigurationException In(ConfigurationSources sources) => new(
        [.. problems.Select(problem => problem.Key is { } key ? (null, sources.Line(key, problem.Text)) : problem)])
    { MayPass = MayPass };

    private static string Line((string? Key, string Text) problem) =>
        UntrustedText.Escape(problem.Key is { } key ? $"{key}: {problem.Text}" : problem.Text);
}
