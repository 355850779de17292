namespace PipeForkAs.Daemon.Authorization;

/// <summary>Whether a part of a rule matches. The order is that of an "and" over several parts: the least counts.</summary>
internal enum TruthValue
{
    /// <summary>It does not.</summary>
    No,

    /// <summary>The target's account, which was not looked up, decides.</summary>
    Pending,

    /// <summary>It cannot be said: the argument is missing or of another type. Never enough to allow, always enough to refuse.</summary>
    Unknowable,

    /// <summary>It does.</summary>
    Yes,
}
