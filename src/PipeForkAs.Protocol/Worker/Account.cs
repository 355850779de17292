namespace PipeForkAs.Protocol.Worker;

/// <summary>A user from the user database, in numbers; passwd(5).</summary>
/// <param name="Name">The user's name.</param>
/// <param name="Uid">The user's uid.</param>
/// <param name="Gid">The gid of the user's primary group.</param>
/// <param name="Groups">The gids of all the user's groups, ascending, without duplicates, including the primary group.</param>
/// <param name="Home">The user's home directory.</param>
/// <param name="Shell">The user's shell.</param>
public sealed record Account(string Name, uint Uid, uint Gid, uint[] Groups, string Home, string Shell)
{
    /// <summary>The primary group's name; null if it has none or the look-up failed.</summary>
    public string? GroupName { get; init; }

    /// <summary>Appends the account to a message.</summary>
    public void Encode(MessageWriter writer)
    {
        writer.Text(Name).UInt32(Uid).UInt32(Gid).Int32(Groups.Length);
        foreach (uint group in Groups)
            writer.UInt32(group);
        writer.Text(Home).Text(Shell).Text(GroupName ?? "");
    }

    /// <summary>Reads an account from a message.</summary>
    public static Account Decode(ref MessageReader reader)
    {
        string name = reader.Text();
        uint uid = reader.UInt32();
        uint gid = reader.UInt32();
        var groups = new uint[reader.Count(sizeof(uint))];
        for (int i = 0; i < groups.Length; i++)
            groups[i] = reader.UInt32();
        string home = reader.Text(), shell = reader.Text(), groupName = reader.Text();
        return new Account(name, uid, gid, groups, home, shell) { GroupName = groupName.Length == 0 ? null : groupName };
    }
}
