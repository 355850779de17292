using PipeForkAs.Protocol.Worker;

namespace PipeForkAs.Daemon.Isolation;

/// <summary>The limits of a job's control group, for all processes of the job together; cgroups(7).</summary>
/// <param name="MemoryMax">Bytes of memory; null for no limit.</param>
/// <param name="PidsMax">Processes and threads; null for no limit.</param>
/// <param name="CpuWeight">The share of processor time when processors are scarce, 1 to 10,000; null for the kernel's 100.</param>
internal readonly record struct GroupLimits(long? MemoryMax, long? PidsMax, int? CpuWeight)
{
    /// <summary>Returns the limits with room for the worker of a command, which stays next to the program and does not count.</summary>
    public GroupLimits WithWorkerOf(WorkerOrder order) => order.Command.Length > 0 ? this with { PidsMax = PidsMax + 1 } : this;
}
