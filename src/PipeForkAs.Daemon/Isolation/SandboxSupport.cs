using PipeForkAs.LibC;
using PipeForkAs.Protocol;

namespace PipeForkAs.Daemon.Isolation;

/// <summary>What this kernel has for sandboxes. A job that demands more is refused at the start, not when it runs.</summary>
internal static class SandboxSupport
{
    /// <summary>The most layers that landlock(7) puts upon each other.</summary>
    private const int MaxLayers = 16;

    /// <summary>Why a job's sandboxes cannot be made here; null where they can.</summary>
    public static string? Problem(IReadOnlyCollection<Sandbox> sandboxes)
    {
        if (sandboxes.All(sandbox => sandbox.IsEmpty))
            return null;
        int layers = sandboxes.Count(sandbox => sandbox.RestrictsFiles);
        if (layers > MaxLayers)
            return $"{layers} sandboxes with paths are more than the kernel's {MaxLayers}";
        if (Libc.landlock_abi() == 0)
            return "the kernel has no Landlock (Linux 5.13 or later, with landlock among the security modules in use: lsm=)";
        return Libc.seccomp_available() ? null : "the kernel has no seccomp filters (CONFIG_SECCOMP_FILTER)";
    }
}
