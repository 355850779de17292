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

    /// <summary>Prove by the user's password that the user is there, and get a ticket. The password is the bytes after the line.</summary>
    SignIn,

    /// <summary>End a ticket.</summary>
    SignOut,
}

/// <summary>The words of operations in the protocol.</summary>
public static class Operations
{
    internal static (string Word, Operation Value)[] Words { get; } =
    [
        ("run", Operation.Run), ("list", Operation.List), ("describe", Operation.Describe), ("check", Operation.Check),
        ("status", Operation.Status), ("cancel", Operation.Cancel), ("reload", Operation.Reload), ("sign-in", Operation.SignIn),
        ("sign-out", Operation.SignOut),
    ];

    /// <summary>Returns the word of an operation, for example <c>sign-in</c>.</summary>
    public static string ToWire(this Operation operation) => Array.Find(Words, pair => pair.Value == operation).Word;
}
