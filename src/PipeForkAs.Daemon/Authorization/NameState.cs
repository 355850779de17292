namespace PipeForkAs.Daemon.Authorization;

/// <summary>What the user database said about a name in a rule at the last lookup.</summary>
internal enum NameState
{
    /// <summary>The name has one id.</summary>
    Known,

    Missing,

    /// <summary>The name cannot be used: it is a second name of a uid, or its uid is 4294967295, which no user can have.</summary>
    Unusable,

    /// <summary>There was no answer: the lookup failed, or is still running.</summary>
    Unanswered,
}
