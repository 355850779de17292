using Microsoft.Extensions.Logging;
using PipeForkAs.Daemon.EventLoop;
using PipeForkAs.Daemon.Processes;
using PipeForkAs.Daemon.Untrusted;

namespace PipeForkAs.Daemon.Forking;

/// <summary>The parts of the daemon that every job host needs.</summary>
/// <param name="Loop">The loop.</param>
/// <param name="Reaper">Reaps the processes of the job host.</param>
/// <param name="Descriptors">Refuses descriptors that workers send.</param>
/// <param name="Logger">The log.</param>
internal sealed record HostContext(Loop Loop, ChildReaper Reaper, DescriptorCheck Descriptors, ILogger Logger);
