using System.Runtime.InteropServices;
using PipeForkAs.LibC;

namespace PipeForkAs.Jobs.Runtime;

/// <summary>The threads of a job host and of a worker: one before the fork, and the finalizer thread after it, if needed.</summary>
internal static class RuntimeThreads
{
    /// <summary>The advice to the author of a job host that has more than one thread.</summary>
    public const string Remedy = "register jobs without starting threads, tasks or timers, and without using sockets or Console";

    /// <summary>Whether this process is native code that is linked with pipeforkas_runtime.c. CoreCLR cannot be forked: its executable
    /// pages are shared mappings, and a worker that has become another user could write to them. .NET's feature switch cannot show this,
    /// because PublishAot sets it in ordinary builds too.
    /// </summary>
    public static bool IsNative { get; } = IsLinked();

    /// <summary>Opens the directory that shows how many threads this process has. A child's copy of the descriptor shows its parent's
    /// threads.
    /// </summary>
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

    /// <summary>Counts the threads of a process. The directory /proc/self/task has an entry for each thread, and its link count is two more
    /// (fs/proc/base.c, proc_task_getattr): one call instead of three.
    /// </summary>
    /// <param name="tasks">The descriptor that <see cref="OpenTasks"/> returned.</param>
    public static int Count(FileDescriptor tasks) => (int)Libc.fstat(tasks).Links - 2;

    /// <summary>Allows the runtime to start its finalizer thread, which the linker's --wrap delayed at start-up. The thread starts with the
    /// first collection that finds an object to finalize, or with the first wait for finalizers. Until then no finalizer runs.
    /// </summary>
    /// <exception cref="InvalidOperationException">The runtime starts it in another way.</exception>
    public static void AllowFinalizerThread()
    {
        if (!pipeforkas_allow_finalizer_thread())
            throw new InvalidOperationException(
                "the runtime did not request its finalizer thread; this version of NativeAOT starts the thread in another way");
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

    // LibraryImport generates code with pointers, which only LibC may contain. These functions take nothing and return a C bool.
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
