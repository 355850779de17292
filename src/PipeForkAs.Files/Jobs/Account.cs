namespace PipeForkAs.Files.Jobs;

/// <summary>For whom jobs run.</summary>
/// <param name="Name">The user's name.</param>
/// <param name="Ticket">The proof that the user signed in; null if a proxy says so.</param>
internal sealed record Account(string Name, string? Ticket)
{
    /// <summary>Returns the name alone: a text can get into a log.</summary>
    public override string ToString() => Name;
}
