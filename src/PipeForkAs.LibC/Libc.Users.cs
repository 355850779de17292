namespace PipeForkAs.LibC;

/// <summary>An entry of the user database; passwd(5).</summary>
/// <param name="Name">The user's name.</param>
/// <param name="Uid">The user's uid.</param>
/// <param name="Gid">The gid of the user's primary group.</param>
/// <param name="Home">The user's home directory.</param>
/// <param name="Shell">The user's shell.</param>
public sealed record PasswordEntry(string Name, UserId Uid, GroupId Gid, string Home, string Shell);

public static unsafe partial class Libc
{
    /// <summary>getpwnam_r(3): queries the name service switch for a user by name; may wait for the network. Null if there is no such user.
    /// </summary>
    public static PasswordEntry? getpwnam(string name) => getpwnam(name, isStrict: false);

    /// <summary>The same, for callers that depend on the meaning of null.</summary>
    /// <param name="name">The name.</param>
    /// <param name="isStrict">
    /// True if null only means that a name service reports no such user. False if null also means an error that getpwnam(3) lists for this
    /// case; some name services return such an error if they cannot reach their database (nslcd: <c>ENOENT</c>).
    /// </param>
    public static PasswordEntry? getpwnam(string name, bool isStrict)
    {
        Check.NoNul(name);
        // SAFETY: LookUp passes the buffer with its size.
        return FindUser(
            (Own.passwd* entry, byte* buffer, nuint size, Own.passwd** result) => Own.getpwnam_r(name, entry, buffer, size, result),
            isStrict, () => $"getpwnam_r(\"{name}\")");
    }

    /// <summary>getpwuid_r(3): the same by uid.</summary>
    public static PasswordEntry? getpwuid(UserId uid) => getpwuid(uid, isStrict: false);

    /// <summary>getpwuid_r(3): the same by uid.</summary>
    public static PasswordEntry? getpwuid(UserId uid, bool isStrict) =>
        // SAFETY: LookUp passes the buffer with its size.
        FindUser(
            (Own.passwd* entry, byte* buffer, nuint size, Own.passwd** result) => Own.getpwuid_r(uid.Value, entry, buffer, size, result),
            isStrict, () => $"getpwuid_r({uid})");

    /// <summary>getgrouplist(3): all groups of a user, including the primary group.</summary>
    public static GroupId[] getgrouplist(string user, GroupId primary)
    {
        int room = 64;
        while (true)
        {
            var groups = new GroupId[room];
            int count = room, result;
            // SAFETY: GroupId is one uint, and the call passes the array's length to libc.
            fixed (GroupId* start = groups)
                result = Own.getgrouplist(Check.NoNul(user), primary.Value, (uint*)start, &count);
            if (result >= 0)
                return groups[..count];
            if (room >= NGROUPS_MAX)
                throw new SystemCallException($"getgrouplist(\"{user}\")", Errno.ERANGE);
            room = Math.Min(NGROUPS_MAX, Math.Max(count, room * 2));
        }
    }

    /// <summary>getgrgid_r(3): a group's name. Null if there is no such group.</summary>
    public static string? getgrgid_name(GroupId gid) =>
        // SAFETY: LookUp passes the buffer with its size.
        FindGroup(
            (Own.group* entry, byte* buffer, nuint size, Own.group** result) => Own.getgrgid_r(gid.Value, entry, buffer, size, result),
            isStrict: false, () => $"getgrgid_r({gid})")?.Name;

    /// <summary>getgrnam_r(3): the gid of the group with that name. Null if there is no such group.</summary>
    public static GroupId? getgrnam_gid(string name) => getgrnam_gid(name, isStrict: false);

    /// <summary>The same, with <c>isStrict</c> as in <see cref="getpwnam(string, bool)"/>.</summary>
    public static GroupId? getgrnam_gid(string name, bool isStrict)
    {
        Check.NoNul(name);
        // SAFETY: LookUp passes the buffer with its size.
        return FindGroup(
            (Own.group* entry, byte* buffer, nuint size, Own.group** result) => Own.getgrnam_r(name, entry, buffer, size, result),
            isStrict, () => $"getgrnam_r(\"{name}\")")?.Gid;
    }

    private static PasswordEntry? FindUser(LookUp.Call<Own.passwd> call, bool isStrict, Func<string> text) =>
        LookUp.Find(
            call,
            static (in Own.passwd found) => new PasswordEntry(
                LookUp.Text(found.name), new UserId(found.uid), new GroupId(found.gid), LookUp.Text(found.home), LookUp.Text(found.shell)),
            isStrict ? LookUp.Never : LookUp.NotFound, text);

    private static GroupEntry? FindGroup(LookUp.Call<Own.group> call, bool isStrict, Func<string> text) =>
        LookUp.Find(
            call, static (in Own.group found) => new GroupEntry(LookUp.Text(found.name), new GroupId(found.gid)),
            isStrict ? LookUp.Never : LookUp.NotFound, text);

    private sealed record GroupEntry(string Name, GroupId Gid);
}
