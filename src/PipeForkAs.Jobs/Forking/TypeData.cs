using System.Runtime.InteropServices;

namespace PipeForkAs.Jobs.Forking;

/// <summary>What the runtime holds of types: most of the memory of a job host that each fork has to take along.</summary>
internal static class TypeData
{
    /// <summary>Puts it into huge pages, where the system has some. See pipeforkas_runtime.c.</summary>
    public static void Collapse() => pipeforkas_collapse_hydrated();

#pragma warning disable SYSLIB1054 // LibraryImport writes code with pointers, which LibC alone may have; the function takes nothing and returns nothing.
    [DllImport("pipeforkas_runtime")]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static extern void pipeforkas_collapse_hydrated();
#pragma warning restore SYSLIB1054
}
