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

/// <summary>A resolved entry of a rule's <c>Callers</c> or <c>As</c>.</summary>
/// <param name="Kind">The kind of the entry.</param>
/// <param name="Name">The name of the user or group as written.</param>
/// <param name="Uid">The uid of a user or a uid entry.</param>
/// <param name="Gid">The gid of a group.</param>
/// <param name="State">What the user database said about the name; the ids are valid only if it is known or unusable.</param>
internal readonly record struct Principal(
    PrincipalKind Kind, string Name, UserId Uid = default, GroupId Gid = default, NameState State = NameState.Known)
{
    public static readonly Principal Everyone = new(PrincipalKind.Everyone, "*");

    public static readonly Principal Self = new(PrincipalKind.Self, "self");

    /// <summary>Whether the entry names root alone.</summary>
    public bool NamesRoot => Kind is PrincipalKind.User or PrincipalKind.Uid && State == NameState.Known && Uid == UserId.Root;

    /// <summary>Whether the name was resolved, or does not need to be.</summary>
    public bool IsKnown => State == NameState.Known;

    /// <summary>The name to look up; null for a number, and for an entry that is not one name.</summary>
    public PolicyName? ToLookUp => Kind switch
    {
        PrincipalKind.User => new PolicyName(IsGroup: false, Name),
        PrincipalKind.Group when !IsNumber(Name.AsSpan(1)) => new PolicyName(IsGroup: true, Name[1..]),
        _ => null,
    };

    /// <summary>Returns a user or a group by name, with the answer of the database.</summary>
    public static Principal Of(PolicyName name, NameAnswer answer) => name.IsGroup
        ? new Principal(PrincipalKind.Group, $"@{name.Text}", Gid: new GroupId(answer.Id), State: answer.State)
        : new Principal(PrincipalKind.User, name.Text, new UserId(answer.Id), State: answer.State);

    /// <summary>Whether a text consists of digits, and so cannot be a name.</summary>
    public static bool IsNumber(ReadOnlySpan<char> text) => text.Length > 0 && text.IndexOfAnyExceptInRange('0', '9') < 0;
}
