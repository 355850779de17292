using System.Runtime.InteropServices;

namespace PipeForkAs.LibC;

public static unsafe partial class Libc
{
    private static byte*** environment;
    private static byte* environmentBlock;
    private static nuint environmentSize;

    /// <summary>
    /// Makes these the environment, as <c>NAME=VALUE</c>, and leaves no other: environ(7). In one block, which the next call writes anew,
    /// where clearenv(3) and setenv(3) would copy each of them into a table of their own. Only while the process has one thread, and
    /// nobody keeps what getenv(3) gave.
    /// </summary>
    /// <exception cref="ArgumentException">One is not <c>NAME=VALUE</c>, or holds a NUL character.</exception>
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
            // A page has room for most environments: a process that makes its own anew allocates nothing.
            const nuint Page = 4096;
            size = nuint.Max(size, Page);
            environmentBlock = (byte*)NativeMemory.AlignedAlloc(size, Page);
            environmentSize = size;
        }

        // SAFETY: the block has room for what is filled in. libc's variable of this name holds a pointer to an array of strings with a null
        // pointer last, which is what it is filled with. No block is freed: libc and the runtime read it as long as the process lives.
        CStringArray.Fill(variables, environmentBlock);
        if (environment is null)
            environment = (byte***)NativeLibrary.GetExport(NativeLibrary.GetMainProgramHandle(), "environ");
        *environment = (byte**)environmentBlock;
    }
}
