using System.Runtime.InteropServices;

namespace PipeForkAs.LibC;

public static unsafe partial class Libc
{
    private static byte*** environment;

    /// <summary>
    /// Makes these the environment, as <c>NAME=VALUE</c>, and leaves no other: environ(7). One block, where clearenv(3) and setenv(3) would
    /// copy each of them into a table of their own. Only while the process has one thread; what is replaced is not freed.
    /// </summary>
    public static void set_environment(IReadOnlyList<string> variables)
    {
        foreach (string variable in variables)
        {
            if (variable.IndexOf('=', StringComparison.Ordinal) <= 0)
                throw new ArgumentException($"\"{variable}\" is not NAME=VALUE", nameof(variables));
        }

        // SAFETY: libc's variable of this name holds a pointer to an array of strings with a null pointer last, which CStringArray makes.
        // It is not disposed: libc and the runtime read it as long as the process lives.
        if (environment is null)
            environment = (byte***)NativeLibrary.GetExport(NativeLibrary.GetMainProgramHandle(), "environ");
        *environment = new CStringArray(variables).Pointer;
    }
}
