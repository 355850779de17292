namespace PipeForkAs.Daemon.Authorization;

/// <summary>A name in a rule, to look up in the user database.</summary>
/// <param name="IsGroup">Whether it names a group.</param>
/// <param name="Text">The name, without <c>@</c>.</param>
internal readonly record struct PolicyName(bool IsGroup, string Text)
{
    /// <inheritdoc/>
    public override string ToString() => $"the {(IsGroup ? "group" : "user")} \"{Text}\"";
}
