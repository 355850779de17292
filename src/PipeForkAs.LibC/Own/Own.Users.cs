using System.Runtime.InteropServices;

namespace PipeForkAs.LibC;

internal static unsafe partial class Own
{
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

    [StructLayout(LayoutKind.Sequential)]
    internal struct spwd
    {
        public byte* name;
        public byte* password;
        public long lastChange;
        public long minimum;
        public long maximum;
        public long warning;
        public long inactive;
        public long expires;
        public ulong flags;
    }

    [LibraryImport(Library, EntryPoint = "getpwnam_r", StringMarshalling = StringMarshalling.Utf8)]
    internal static partial int getpwnam_r(string name, passwd* entry, byte* buffer, nuint size, passwd** result);

    [LibraryImport(Library, EntryPoint = "getpwuid_r")]
    internal static partial int getpwuid_r(uint uid, passwd* entry, byte* buffer, nuint size, passwd** result);

    [LibraryImport(Library, EntryPoint = "getgrouplist", StringMarshalling = StringMarshalling.Utf8)]
    internal static partial int getgrouplist(string user, uint primary, uint* groups, int* count);

    [LibraryImport(Library, EntryPoint = "getgrgid_r")]
    internal static partial int getgrgid_r(uint gid, group* entry, byte* buffer, nuint size, group** result);

    [LibraryImport(Library, EntryPoint = "getgrnam_r", StringMarshalling = StringMarshalling.Utf8)]
    internal static partial int getgrnam_r(string name, group* entry, byte* buffer, nuint size, group** result);

    [LibraryImport(Library, EntryPoint = "getspnam_r", StringMarshalling = StringMarshalling.Utf8)]
    internal static partial int getspnam_r(string name, spwd* entry, byte* buffer, nuint size, spwd** result);
}
