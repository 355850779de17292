namespace PipeForkAs.Daemon.Authorization;

/// <summary>
/// Whether a part of a rule matches. The order of the values is that of an "and" over several parts: the lowest value is the result.
/// </summary>
internal enum TruthValue
{
    No,

    /// <summary>It depends on the account of the target user, which was not looked up yet.</summary>
    Pending,

    /// <summary>Unknown: the argument is missing or has another type. Never enough to allow, always enough to deny.</summary>
    Unknowable,

    Yes,
}
