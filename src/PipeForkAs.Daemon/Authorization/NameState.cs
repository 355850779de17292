namespace PipeForkAs.Daemon.Authorization;

/// <summary>What the user database said of a name in a rule when it was asked last.</summary>
internal enum NameState
{
    /// <summary>It has one id.</summary>
    Known,

    /// <summary>There is no such name.</summary>
    Missing,

    /// <summary>The name cannot be meant: it is a second name of a uid, or its uid is nobody's.</summary>
    Unusable,

    /// <summary>There was no answer: the lookup failed, or has not ended yet.</summary>
    Unanswered,
}
