using System.Runtime.InteropServices;

namespace PipeForkAs.LibC;

public static partial class Libc
{
    /// <summary>clearenv(3): no variable is left. Only while the process has one thread.</summary>
    public static void clearenv() => Check.Result(sys_clearenv() == 0 ? 0 : -1, $"clearenv()");

    /// <summary>setenv(3), replacing what is there. Only while the process has one thread.</summary>
    public static void setenv(string name, string value) =>
        Check.Result(sys_setenv(Check.NoNul(name), Check.NoNul(value), 1), $"setenv(\"{name}\")");

    [LibraryImport(Library, EntryPoint = "clearenv", SetLastError = true)]
    private static partial int sys_clearenv();

    [LibraryImport(Library, EntryPoint = "setenv", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    private static partial int sys_setenv(string name, string value, int overwrite);
}
