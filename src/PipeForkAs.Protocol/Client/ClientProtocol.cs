namespace PipeForkAs.Protocol.Client;

/// <summary>The constants of version 1 of the client protocol.</summary>
public static class ClientProtocol
{
    /// <summary>The default path of the daemon's socket.</summary>
    public const string DefaultSocketPath = "/run/pipeforkas/pipeforkas.sock";

    /// <summary>The environment variable with which a client selects another socket.</summary>
    public const string SocketVariable = "PIPEFORKAS_SOCKET";

    /// <summary>The longest request line in bytes, including its <c>\n</c>: 64 KiB.</summary>
    public const int MaxRequestBytes = 64 * 1024;

    /// <summary>The deepest nesting of a request's JSON.</summary>
    public const int MaxDepth = 32;

    /// <summary>The most members of a request's JSON, including those of <c>args</c> and <c>env</c> and of all objects in them.</summary>
    public const int MaxMembers = 1024;

    /// <summary>The most values of a request's JSON: the values of its members, and the elements of all arrays.</summary>
    public const int MaxValues = 8192;
}
