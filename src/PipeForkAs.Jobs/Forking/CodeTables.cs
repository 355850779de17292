using System.Runtime.InteropServices;

namespace PipeForkAs.Jobs.Forking;

/// <summary>The page tables of the code, which a worker needs at once and would otherwise get by faults, one for each 16 pages.</summary>
internal static class CodeTables
{
    /// <summary>Has the kernel copy them with each fork: those of the code that is used from now on. See pipeforkas_runtime.c.</summary>
    public static void CopyWithForks() => pipeforkas_copy_code_tables();

#pragma warning disable SYSLIB1054 // LibraryImport writes code with pointers, which LibC alone may have; the function takes nothing and returns nothing.
    [DllImport("pipeforkas_runtime")]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static extern void pipeforkas_copy_code_tables();
#pragma warning restore SYSLIB1054
}
