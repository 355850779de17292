using System.Runtime.InteropServices;

namespace PipeForkAs.LibC;

/// <summary>An entry of the user database; passwd(5).</summary>
/// <param name="Name">The user's name.</param>
/// <param name="Uid">Its uid.</param>
/// <param name="Gid">Its primary group.</param>
/// <param name="Home">Its home directory.</param>
/// <param name="Shell">Its shell.</param>
public sealed record PasswordEntry(string Name, UserId Uid, GroupId Gid, string Home, string Shell);

public static unsafe partial class Libc
{
    /// <summary>getpwnam_r(3): asks the name service switch for a user by name; may wait for the network. Null where there is none.</summary>
    public static PasswordEntry? getpwnam(string name) => getpwnam(name, isStrict: false);

    /// <summary>The same, where it matters what null means.</summary>
    /// <param name="name">The name.</param>
    /// <param name="isStrict">
    /// Whether null means that a name service says so. Otherwise it also means an error that getpwnam(3) lists for it, by which other name
    /// services say that they cannot reach their database (nslcd: <c>ENOENT</c>).
    /// </param>
    public static PasswordEntry? getpwnam(string name, bool isStrict)
    {
        Check.NoNul(name);
        // SAFETY: LookUp gives the buffer with its size.
        return LookUp(
            (Own.passwd* entry, byte* buffer, nuint size, Own.passwd** result) => Own.getpwnam_r(name, entry, buffer, size, result),
            () => $"getpwnam_r(\"{name}\")", isStrict);
    }

    /// <summary>getpwuid_r(3): the same by uid.</summary>
    public static PasswordEntry? getpwuid(UserId uid) => getpwuid(uid, isStrict: false);

    /// <summary>getpwuid_r(3): the same by uid.</summary>
    public static PasswordEntry? getpwuid(UserId uid, bool isStrict) =>
        // SAFETY: LookUp gives the buffer with its size.
        LookUp(
            (Own.passwd* entry, byte* buffer, nuint size, Own.passwd** result) => Own.getpwuid_r(uid.Value, entry, buffer, size, result),
            () => $"getpwuid_r({uid})", isStrict);

    /// <summary>getgrouplist(3): all groups of a user, the primary one included.</summary>
    public static GroupId[] getgrouplist(string user, GroupId primary)
    {
        int room = 64;
        while (true)
        {
            var groups = new GroupId[room];
            int count = room, result;
            // SAFETY: GroupId is one uint, and libc is told how many there is room for.
            fixed (GroupId* start = groups)
                result = Own.getgrouplist(Check.NoNul(user), primary.Value, (uint*)start, &count);
            if (result >= 0)
                return groups[..count];
            if (room >= NGROUPS_MAX)
                throw new SystemCallException($"getgrouplist(\"{user}\")", Errno.ERANGE);
            room = Math.Min(NGROUPS_MAX, Math.Max(count, room * 2));
        }
    }

    /// <summary>getgrgid_r(3): a group's name. Null where there is none.</summary>
    public static string? getgrgid_name(GroupId gid) =>
        // SAFETY: FindGroup gives the buffer with its size.
        FindGroup(
            (Own.group* entry, byte* buffer, nuint size, Own.group** result) => Own.getgrgid_r(gid.Value, entry, buffer, size, result),
            () => $"getgrgid_r({gid})", isStrict: false)?.Name;

    /// <summary>getgrnam_r(3): the gid of the group of that name. Null where there is none.</summary>
    public static GroupId? getgrnam_gid(string name) => getgrnam_gid(name, isStrict: false);

    /// <summary>The same, with <c>isStrict</c> as <see cref="getpwnam(string, bool)"/> has it.</summary>
    public static GroupId? getgrnam_gid(string name, bool isStrict)
    {
        Check.NoNul(name);
        // SAFETY: FindGroup gives the buffer with its size.
        return FindGroup(
            (Own.group* entry, byte* buffer, nuint size, Own.group** result) => Own.getgrnam_r(name, entry, buffer, size, result),
            () => $"getgrnam_r(\"{name}\")", isStrict)?.Gid;
    }

    private delegate int GroupCall(Own.group* entry, byte* buffer, nuint size, Own.group** result);

    private static (string Name, GroupId Gid)? FindGroup(GroupCall call, Func<string> text, bool isStrict)
    {
        for (int size = 4096; ; size *= 4)
        {
            byte* buffer = (byte*)NativeMemory.Alloc((nuint)size);
            try
            {
                Own.group entry;
                Own.group* result;
                int error;
                // SAFETY: libc is told the buffer's size; the name is copied before the buffer goes.
                do
                    error = call(&entry, buffer, (nuint)size, &result);
                while (error == Errno.EINTR.Value);
                if (error == Errno.ERANGE.Value && size < MaxEntryBytes)
                    continue;
                if (!isStrict && IsNotFound(error))
                    return null;
                Check.ErrorNumber(error, text);
                return result is null ? null : (Text(entry.name), new GroupId(entry.gid));
            }
            finally
            {
                NativeMemory.Free(buffer);
            }
        }
    }

    private delegate int PasswordCall(Own.passwd* entry, byte* buffer, nuint size, Own.passwd** result);

    private static PasswordEntry? LookUp(PasswordCall call, Func<string> text, bool isStrict)
    {
        for (int size = 4096; ; size *= 4)
        {
            byte* buffer = (byte*)NativeMemory.Alloc((nuint)size);
            try
            {
                Own.passwd entry;
                Own.passwd* result;
                int error;
                // SAFETY: libc is told the buffer's size; the strings are copied before the buffer goes.
                do
                    error = call(&entry, buffer, (nuint)size, &result);
                while (error == Errno.EINTR.Value);
                if (error == Errno.ERANGE.Value && size < MaxEntryBytes)
                    continue;
                if (!isStrict && IsNotFound(error))
                    return null;
                Check.ErrorNumber(error, text);
                return result is null
                    ? null
                    : new PasswordEntry(Text(entry.name), new UserId(entry.uid), new GroupId(entry.gid), Text(entry.home), Text(entry.shell));
            }
            finally
            {
                NativeMemory.Free(buffer);
            }
        }
    }

    /// <summary>Errors by which name services say "no such entry", as getpwnam(3) lists them under ERRORS.</summary>
    private static bool IsNotFound(int error) =>
        error == Errno.ENOENT.Value || error == Errno.ESRCH.Value || error == Errno.EBADF.Value || error == Errno.EPERM.Value;

    // SAFETY: libc ends each string of an entry with a NUL; a null pointer gives null.
    private static string Text(byte* text) => Marshal.PtrToStringUTF8((nint)text) ?? "";

    private const int MaxEntryBytes = 4 * 1024 * 1024;
}
