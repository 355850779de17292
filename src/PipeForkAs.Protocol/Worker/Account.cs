namespace PipeForkAs.Protocol.Worker;

/// <summary>A user as the user database tells of it, in numbers; passwd(5).</summary>
/// <param name="Name">The user's name.</param>
/// <param name="Uid">Its uid.</param>
/// <param name="Gid">Its primary group.</param>
/// <param name="Groups">All its groups, ascending and without duplicates, the primary one included.</param>
/// <param name="Home">Its home directory.</param>
/// <param name="Shell">Its shell.</param>
public sealed record Account(string Name, uint Uid, uint Gid, uint[] Groups, string Home, string Shell)
{
    /// <summary>The primary group's name; null where it has none, or could not be looked up.</summary>
    public string? GroupName { get; init; }

    /// <summary>Appends it to a message.</summary>
    public void Encode(MessageWriter writer)
    {
        writer.Text(Name).UInt32(Uid).UInt32(Gid).Int32(Groups.Length);
        foreach (uint group in Groups)
            writer.UInt32(group);
        writer.Text(Home).Text(Shell).Text(GroupName ?? "");
    }

    /// <summary>Reads it from a message.</summary>
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
