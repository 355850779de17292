using PipeForkAs.LibC;

namespace PipeForkAs.Daemon.Authorization;

/// <summary>What an entry of a rule's <c>Callers</c> or <c>As</c> names.</summary>
internal enum PrincipalKind
{
    /// <summary><c>*</c>.</summary>
    Everyone,

    /// <summary><c>self</c>, in <c>As</c> alone: the caller.</summary>
    Self,

    /// <summary>A user name.</summary>
    User,

    /// <summary>A uid.</summary>
    Uid,

    /// <summary><c>@group</c>.</summary>
    Group,
}

/// <summary>An entry of a rule's <c>Callers</c> or <c>As</c>, resolved when the policy was read.</summary>
/// <param name="Kind">What it is.</param>
/// <param name="Name">The user's or group's name as written.</param>
/// <param name="Uid">The uid of a user or a uid.</param>
/// <param name="Gid">The gid of a group.</param>
internal readonly record struct Principal(PrincipalKind Kind, string Name, UserId Uid = default, GroupId Gid = default)
{
    public static readonly Principal Everyone = new(PrincipalKind.Everyone, "*");

    public static readonly Principal Self = new(PrincipalKind.Self, "self");

    /// <summary>Whether it names this one user and no other.</summary>
    public bool NamesRoot => Kind is PrincipalKind.User or PrincipalKind.Uid && Uid == UserId.Root;
}
