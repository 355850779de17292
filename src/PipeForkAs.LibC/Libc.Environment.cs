using System.Runtime.InteropServices;

namespace PipeForkAs.LibC;

public static unsafe partial class Libc
{
    private static byte*** environment;
    private static byte* environmentBlock;
    private static nuint environmentSize;

    /// <summary>Replaces the whole environment with these variables, as <c>NAME=VALUE</c>: environ(7). They are in one block, which the
    /// next call overwrites; clearenv(3) and setenv(3) would copy each of them into a separate table. Call this only while the process has
    /// one thread, and while no code keeps a result of getenv(3).
    /// </summary>
    /// <exception cref="ArgumentException">A variable is not <c>NAME=VALUE</c>, or contains a NUL character.</exception>
    public static void set_environment(ReadOnlySpan<string> variables)
    {
        foreach (string variable in variables)
        {
            int nameLength = 0;
            while (nameLength < variable.Length && variable[nameLength] != '=')
                nameLength++;
            if (nameLength == 0 || nameLength == variable.Length)
                throw new ArgumentException($"\"{variable}\" is not NAME=VALUE", nameof(variables));
        }

        nuint size = CStringArray.Size(variables);
        if (size > environmentSize)
        {
            // A page has room for most environments: a process that replaces its environment again allocates nothing.
            const nuint Page = 4096;
            size = nuint.Max(size, Page);
            environmentBlock = (byte*)NativeMemory.AlignedAlloc(size, Page);
            environmentSize = size;
        }

        // SAFETY: the block has room for the content. libc's variable with this name contains a pointer to an array of strings with a null
        // pointer at the end, and so does the block. The code frees no block: libc and the runtime read it as long as the process lives.
        CStringArray.Fill(variables, environmentBlock);
        if (environment is null)
            environment = (byte***)NativeLibrary.GetExport(NativeLibrary.GetMainProgramHandle(), "environ");
        *environment = (byte**)environmentBlock;
    }
}
