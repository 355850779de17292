using System.Text.Json.Nodes;

namespace PipeForkAs.Jobs.Testing;

/// <summary>What a <see cref="TestDaemon"/> runs.</summary>
public sealed class TestDaemonOptions
{
    /// <summary>The daemon: a path, or a name to look for in <c>PATH</c>, <c>/usr/sbin</c> and <c>/usr/libexec/pipeforkas</c>. Default:
    /// <c>pipeforkasd</c>.
    /// </summary>
    public string Program { get; init; } = "pipeforkasd";

    /// <summary>The job hosts: natively compiled executables, as <c>dotnet publish</c> makes them. The daemon gets copies that root owns.
    /// Default: none, for the job host that the daemon uses without a configuration.
    /// </summary>
    public IReadOnlyList<string> JobHosts { get; init; } = [];

    /// <summary>Changes the configuration before the daemon starts: the keys of pipeforkas.json(5). It has the socket and the job hosts
    /// already, each with one waiting worker. Null to change nothing.
    /// </summary>
    public Action<JsonObject>? Configure { get; init; }

    /// <summary>How long the daemon may take to listen, and later to stop: more than 0. Default: 60 s, enough for a busy machine.</summary>
    public TimeSpan Patience
    {
        get;
        init
        {
            ArgumentOutOfRangeException.ThrowIfLessThanOrEqual(value, TimeSpan.Zero);
            field = value;
        }
    } = TimeSpan.FromSeconds(60);
}
