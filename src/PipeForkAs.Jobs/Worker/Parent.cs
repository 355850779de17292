using PipeForkAs.LibC;

namespace PipeForkAs.Jobs.Worker;

/// <summary>What a worker knows about the job host that forked it.</summary>
/// <param name="Pid">The process id of the job host.</param>
/// <param name="ForRoot">Whether the orders of its workers will grant root; if not, the job host has emptied the bounding set.</param>
/// <param name="OomScoreAdjust">
/// The <see cref="OomScore"/> of the job host at the fork; the worker has the same value until it sets another.
/// </param>
internal readonly record struct Parent(ProcessId Pid, bool ForRoot, int OomScoreAdjust);
