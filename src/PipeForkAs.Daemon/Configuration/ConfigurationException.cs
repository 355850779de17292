using PipeForkAs.Protocol.Client;

namespace PipeForkAs.Daemon.Configuration;

/// <summary>The configuration is refused. Each problem names file, key and what to do.</summary>
internal sealed class ConfigurationException : Exception
{
    /// <summary>Makes the exception. Problems quote keys and values, which may hold anything: each becomes one line.</summary>
    public ConfigurationException(IReadOnlyList<string> problems)
        : base(string.Join(Environment.NewLine, problems.Select(OneLine.Whole))) => Problems = [.. problems.Select(OneLine.Whole)];

    public ConfigurationException(string problem)
        : this([problem])
    {
    }

    public IReadOnlyList<string> Problems { get; }
}
