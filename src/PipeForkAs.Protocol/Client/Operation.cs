using System.Text.Json.Serialization;

namespace PipeForkAs.Protocol.Client;

/// <summary>What a request asks for.</summary>
[JsonConverter(typeof(OperationConverter))]
public enum Operation
{
    /// <summary>Run a job.</summary>
    Run,

    /// <summary>List the jobs.</summary>
    List,

    /// <summary>Describe one job: its kind, its arguments' schema.</summary>
    Describe,

    /// <summary>Tell whether a job would be run, and as whom, without running it.</summary>
    Check,

    /// <summary>Tell how the daemon does: what runs, what was counted.</summary>
    Status,

    /// <summary>End a job that runs.</summary>
    Cancel,

    /// <summary>Read the configuration again and apply it; for root alone. The reply comes when that is over.</summary>
    Reload,
}
