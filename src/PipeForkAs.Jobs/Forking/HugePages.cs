using System.Runtime.InteropServices;

namespace PipeForkAs.Jobs.Forking;

/// <summary>Puts the memory that all workers of a job host share into huge pages, if the system has some. Each fork and each exit then
/// costs less. See pipeforkas_runtime.c.
/// </summary>
internal static class HugePages
{
    /// <summary>Moves two areas: the runtime's type data, whose page tables are most of what a fork copies, and the code, which causes most
    /// of a worker's page faults.
    /// </summary>
    public static void Take()
    {
        pipeforkas_collapse_hydrated();
        pipeforkas_move_code();
    }

    // LibraryImport generates code with pointers, which only LibC may contain. These functions take nothing and return nothing.
#pragma warning disable SYSLIB1054
    [DllImport("pipeforkas_runtime")]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static extern void pipeforkas_collapse_hydrated();

    [DllImport("pipeforkas_runtime")]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static extern void pipeforkas_move_code();
#pragma warning restore SYSLIB1054
}
