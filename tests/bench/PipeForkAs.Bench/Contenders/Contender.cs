namespace PipeForkAs.Bench.Contenders;

/// <summary>A way to run a function or a program as a user.</summary>
/// <param name="Name">For tables.</param>
/// <param name="Request">The load generator's options for the request.</param>
/// <param name="Target">The socket, or -- and a command.</param>
internal sealed record Contender(string Name, IReadOnlyList<string> Request, IReadOnlyList<string> Target)
{
    /// <summary>Whether each request is a command, which is started, and not a connection.</summary>
    public bool IsCommand => Target[0] == "--";
}

/// <summary>A contender that this machine does not support.</summary>
/// <param name="Name">For the report.</param>
/// <param name="Reason">Why not.</param>
internal sealed record Missing(string Name, string Reason);
