using PipeForkAs.LibC;
using PipeForkAs.Protocol;

namespace PipeForkAs.Daemon.Isolation;

/// <summary>The support of this kernel for sandboxes. A job that requires more is refused at the start, not when it runs.</summary>
internal static class SandboxSupport
{
    /// <summary>The most layers that landlock(7) can stack.</summary>
    private const int MaxLayers = 16;

    /// <summary>Returns why the sandboxes of a job cannot be made on this system; null if they can.</summary>
    public static string? Problem(IReadOnlyCollection<Sandbox> sandboxes)
    {
        if (sandboxes.All(sandbox => sandbox.IsEmpty))
            return null;
        int layers = sandboxes.Count(sandbox => sandbox.RestrictsFiles);
        if (layers > MaxLayers)
            return $"{layers} sandboxes with paths exceed the kernel's maximum of {MaxLayers}";
        try
        {
            if (Libc.landlock_abi() == 0)
                return "the kernel has no Landlock (Linux 5.13 or later with the boot parameter lsm=landlock,...)";
        }
        catch (SystemCallException barred)
        {
            return $"Landlock is blocked, usually by the system call filter of a container or unit: {barred.Message}";
        }

        return Libc.seccomp_available() ? null : "the kernel has no seccomp filters (CONFIG_SECCOMP_FILTER)";
    }

    /// <summary>Whether some of these sandboxes do not prevent their jobs from signalling other processes of the user.</summary>
    /// <param name="sandboxes">All sandboxes.</param>
    /// <param name="landlock">
    /// Returns the kernel's version of landlock(7). Called only if there are sandboxes: a container may forbid the call.
    /// </param>
    public static bool LeavesSignals(IEnumerable<Sandbox> sandboxes, Func<int> landlock) =>
        sandboxes.Any(sandbox => !sandbox.IsEmpty) && landlock() < Sandbox.SignalsVersion;
}
