using PipeForkAs.LibC;

namespace PipeForkAs.Daemon.Fairness;

/// <summary>
/// The callers that share one turn wherever requests wait. Each uid with an account has its own bucket. All uids without an account share
/// one: every user has 65,536 subordinate ids by default (subuid(5)) and would otherwise have as many turns.
/// </summary>
internal readonly record struct Bucket
{
    private const int BlockBits = 16;

    /// <summary>0, the default, for uids without an account; above 0, the uid plus 1; below 0, the blocks of unknown uids.</summary>
    private readonly long key;

    private Bucket(long key) => this.key = key;

    /// <summary>The bucket of root.</summary>
    public static Bucket Root { get; } = OfAccount(UserId.Root);

    /// <summary>The bucket of all uids that have no account.</summary>
    public static Bucket WithoutAccount => default;

    /// <summary>Whether this is the bucket of root, which has a reserve.</summary>
    public bool IsRoot => key == UserId.Root.Value + 1L;

    /// <summary>The bucket of a uid that has an account.</summary>
    public static Bucket OfAccount(UserId uid) => new(uid.Value + 1L);

    /// <summary>
    /// The bucket of a uid while the daemon asks the user database whether it has an account. Uids that agree in their upper 16 bits share
    /// it: a range of subordinate ids has two such buckets at most.
    /// </summary>
    public static Bucket OfUnknown(UserId uid) => new(-1L - (uid.Value >> BlockBits));

    /// <inheritdoc/>
    public override string ToString() => key switch
    {
        > 0 => $"uid {key - 1}",
        0 => "uids without an account",
        _ => $"unknown uids from {(-1 - key) << BlockBits}",
    };
}
