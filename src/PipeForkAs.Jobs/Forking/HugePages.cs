using System.Runtime.InteropServices;

namespace PipeForkAs.Jobs.Forking;

/// <summary>
/// The memory that all workers of a job host share, in huge pages where the system has some: less to do for each fork and each exit. See
/// pipeforkas_runtime.c.
/// </summary>
internal static class HugePages
{
    /// <summary>
    /// Takes them: for what the runtime holds of types, most of what a fork would copy the page tables of, and for code, most of a
    /// worker's page faults.
    /// </summary>
    public static void Take()
    {
        pipeforkas_collapse_hydrated();
        pipeforkas_move_code();
    }

    // LibraryImport writes code with pointers, which LibC alone may have; the functions take nothing and return nothing.
#pragma warning disable SYSLIB1054
    [DllImport("pipeforkas_runtime")]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static extern void pipeforkas_collapse_hydrated();

    [DllImport("pipeforkas_runtime")]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static extern void pipeforkas_move_code();
#pragma warning restore SYSLIB1054
}
