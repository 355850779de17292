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
    public static PasswordEntry? getpwnam(string name)
    {
        Check.NoNul(name);
        // SAFETY: LookUp gives the buffer with its size.
        return LookUp((passwd* entry, byte* buffer, nuint size, passwd** result) => sys_getpwnam_r(name, entry, buffer, size, result), () => $"getpwnam_r(\"{name}\")");
    }

    /// <summary>getpwuid_r(3): the same by uid.</summary>
    public static PasswordEntry? getpwuid(UserId uid) =>
        // SAFETY: LookUp gives the buffer with its size.
        LookUp((passwd* entry, byte* buffer, nuint size, passwd** result) => sys_getpwuid_r(uid.Value, entry, buffer, size, result), () => $"getpwuid_r({uid})");

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
                result = sys_getgrouplist(Check.NoNul(user), primary.Value, (uint*)start, &count);
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
        FindGroup((group* entry, byte* buffer, nuint size, group** result) => sys_getgrgid_r(gid.Value, entry, buffer, size, result), () => $"getgrgid_r({gid})")?.Name;

    /// <summary>getgrnam_r(3): the gid of the group of that name. Null where there is none.</summary>
    public static GroupId? getgrnam_gid(string name)
    {
        Check.NoNul(name);
        // SAFETY: FindGroup gives the buffer with its size.
        return FindGroup((group* entry, byte* buffer, nuint size, group** result) => sys_getgrnam_r(name, entry, buffer, size, result), () => $"getgrnam_r(\"{name}\")")?.Gid;
    }

    private delegate int GroupCall(group* entry, byte* buffer, nuint size, group** result);

    private static (string Name, GroupId Gid)? FindGroup(GroupCall call, Func<string> text)
    {
        for (int size = 4096; ; size *= 4)
        {
            byte* buffer = (byte*)NativeMemory.Alloc((nuint)size);
            try
            {
                group entry;
                group* result;
                int error;
                // SAFETY: libc is told the buffer's size; the name is copied before the buffer goes.
                do
                    error = call(&entry, buffer, (nuint)size, &result);
                while (error == Errno.EINTR.Value);
                if (error == Errno.ERANGE.Value && size < MaxEntryBytes)
                    continue;
                if (IsNotFound(error))
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

    private delegate int PasswordCall(passwd* entry, byte* buffer, nuint size, passwd** result);

    private static PasswordEntry? LookUp(PasswordCall call, Func<string> text)
    {
        for (int size = 4096; ; size *= 4)
        {
            byte* buffer = (byte*)NativeMemory.Alloc((nuint)size);
            try
            {
                passwd entry;
                passwd* result;
                int error;
                // SAFETY: libc is told the buffer's size; the strings are copied before the buffer goes.
                do
                    error = call(&entry, buffer, (nuint)size, &result);
                while (error == Errno.EINTR.Value);
                if (error == Errno.ERANGE.Value && size < MaxEntryBytes)
                    continue;
                if (IsNotFound(error))
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

    [StructLayout(LayoutKind.Sequential)]
    internal struct passwd
    {
        public byte* name;
        public byte* password;
        public uint uid;
        public uint gid;
        public byte* gecos;
        public byte* home;
        public byte* shell;
    }

    [StructLayout(LayoutKind.Sequential)]
    internal struct group
    {
        public byte* name;
        public byte* password;
        public uint gid;
        public byte** members;
    }

    [LibraryImport(Library, EntryPoint = "getpwnam_r", StringMarshalling = StringMarshalling.Utf8)]
    private static partial int sys_getpwnam_r(string name, passwd* entry, byte* buffer, nuint size, passwd** result);

    [LibraryImport(Library, EntryPoint = "getpwuid_r")]
    private static partial int sys_getpwuid_r(uint uid, passwd* entry, byte* buffer, nuint size, passwd** result);

    [LibraryImport(Library, EntryPoint = "getgrouplist", StringMarshalling = StringMarshalling.Utf8)]
    private static partial int sys_getgrouplist(string user, uint primary, uint* groups, int* count);

    [LibraryImport(Library, EntryPoint = "getgrgid_r")]
    private static partial int sys_getgrgid_r(uint gid, group* entry, byte* buffer, nuint size, group** result);

    [LibraryImport(Library, EntryPoint = "getgrnam_r", StringMarshalling = StringMarshalling.Utf8)]
    private static partial int sys_getgrnam_r(string name, group* entry, byte* buffer, nuint size, group** result);
}
