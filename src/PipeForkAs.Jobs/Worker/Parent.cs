using PipeForkAs.LibC;

namespace PipeForkAs.Jobs.Worker;

/// <summary>What a worker knows of the job host that forked it.</summary>
/// <param name="Pid">Its process.</param>
/// <param name="ForRoot">Whether its workers' orders will grant root; where not, it has emptied the bounding set.</param>
/// <param name="OomScoreAdjust">Its <see cref="OomScore"/> when it forked: the worker has the same until it sets another.</param>
internal readonly record struct Parent(ProcessId Pid, bool ForRoot, int OomScoreAdjust);
