using PipeForkAs.LibC;

namespace PipeForkAs.Daemon.Authorization;

/// <summary>What the user database said about a name.</summary>
/// <param name="State">The state of the name.</param>
/// <param name="Id">The uid or gid; 0 if the database gave none.</param>
/// <param name="Problem">Why the name cannot be used, for messages; empty if it can.</param>
internal readonly record struct NameAnswer(NameState State, uint Id, string Problem)
{
    /// <summary>An answer that is still missing.</summary>
    public static NameAnswer None(string problem) => new(NameState.Unanswered, 0, problem);

    /// <summary>Looks a name up. Blocks as long as the database does.</summary>
    /// <param name="names">The user database.</param>
    /// <param name="name">The name.</param>
    public static NameAnswer Of(INames names, PolicyName name)
    {
        try
        {
            return name.IsGroup ? OfGroup(names, name.Text) : OfUser(names, name.Text);
        }
        catch (SystemCallException failure)
        {
            return None($"the user database failed for {name}: {failure.Message}");
        }
    }

    private static NameAnswer OfGroup(INames names, string name) => names.Group(name) is { } gid
        ? new NameAnswer(NameState.Known, gid.Value, "")
        : new NameAnswer(NameState.Missing, 0, $"there is no group \"{name}\"");

    private static NameAnswer OfUser(INames names, string name)
    {
        if (names.User(name) is not { } user)
            return new NameAnswer(NameState.Missing, 0, $"there is no user \"{name}\"");
        if (user.Uid == UserId.Unchanged)
            return new NameAnswer(
                NameState.Unusable, user.Uid.Value, $"the user \"{name}\" has uid {user.Uid}, which cannot belong to a user");
        string? first = names.User(user.Uid)?.Name;
        return first == name
            ? new NameAnswer(NameState.Known, user.Uid.Value, "")
            : new NameAnswer(NameState.Unusable, user.Uid.Value,
                $"\"{name}\" is another name of uid {user.Uid}; write the name from the user database, \"{first}\"");
    }
}
