using System.Runtime.InteropServices;
using PipeForkAs.LibC;

namespace PipeForkAs.Jobs.Runtime;

/// <summary>The threads of a job host and of a worker: one before fork, the finalizer thread after, where it is needed.</summary>
internal static class RuntimeThreads
{
    /// <summary>What an author is told whose job host has more.</summary>
    public const string HowToHaveOne = "Register jobs without starting threads, tasks or timers, and without touching sockets or Console";

    /// <summary>
    /// Whether this process is native code, linked with pipeforkas_runtime.c. CoreCLR cannot be forked: its executable pages are shared
    /// mappings, which a worker that became another user could write. A feature switch of .NET cannot tell: PublishAot sets it in plain
    /// builds too.
    /// </summary>
    public static bool IsNative { get; } = IsLinked();

    /// <summary>Opens what tells how many threads this process has; a child's copy of it tells of its parent.</summary>
    /// <exception cref="InvalidOperationException">/proc is not mounted.</exception>
    public static FileDescriptor OpenTasks()
    {
        try
        {
            return Libc.open("/proc/self/task", OpenFlags.O_PATH | OpenFlags.O_DIRECTORY);
        }
        catch (SystemCallException failure)
        {
            throw new InvalidOperationException(
                $"a job host counts its threads in /proc, which must be mounted: {failure.Message}", failure);
        }
    }

    /// <summary>
    /// How many threads a process has: /proc/self/task is a directory with an entry for each, and its link count is two more
    /// (fs/proc/base.c, proc_task_getattr): one call instead of three.
    /// </summary>
    /// <param name="tasks">What <see cref="OpenTasks"/> opened.</param>
    public static int Count(FileDescriptor tasks) => (int)Libc.fstat(tasks).Links - 2;

    /// <summary>
    /// Lets the runtime have its finalizer thread, which the linker's --wrap held back at start-up: it is started with the first
    /// collection that finds something to be finalized, and with the first wait for finalizers. Until then no finalizer runs.
    /// </summary>
    /// <exception cref="InvalidOperationException">The runtime starts it in another way.</exception>
    public static void AllowFinalizerThread()
    {
        if (!pipeforkas_allow_finalizer_thread())
            throw new InvalidOperationException(
                "the runtime never asked for its finalizer thread; this version of NativeAOT starts it in another way");
    }

    private static bool IsLinked()
    {
        try
        {
            return pipeforkas_is_linked();
        }
        catch (Exception missing) when (missing is DllNotFoundException or EntryPointNotFoundException)
        {
            return false;
        }
    }

    // LibraryImport writes code with pointers, which LibC alone may have; they take nothing and return a C bool.
#pragma warning disable SYSLIB1054
    [DllImport("pipeforkas_runtime")]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    [return: MarshalAs(UnmanagedType.U1)]
    private static extern bool pipeforkas_allow_finalizer_thread();

    [DllImport("pipeforkas_runtime")]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    [return: MarshalAs(UnmanagedType.U1)]
    private static extern bool pipeforkas_is_linked();
#pragma warning restore SYSLIB1054
}
