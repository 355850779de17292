using System.Text.Json.Serialization;

namespace PipeForkAs.Protocol.Client;

/// <summary>The operation of a request.</summary>
[JsonConverter(typeof(OperationConverter))]
public enum Operation
{
    /// <summary>Run a job.</summary>
    Run,

    /// <summary>List the jobs.</summary>
    List,

    /// <summary>Describe one job: its kind and the schema of its arguments.</summary>
    Describe,

    /// <summary>Decide whether the daemon would run a job, and as which user, without running it.</summary>
    Check,

    /// <summary>Show the daemon's status: running jobs and counters.</summary>
    Status,

    /// <summary>Cancel a running job.</summary>
    Cancel,

    /// <summary>Read the configuration again and apply it; for root only. The reply follows when that is complete.</summary>
    Reload,
}
