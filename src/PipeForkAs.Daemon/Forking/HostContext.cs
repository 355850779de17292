using Microsoft.Extensions.Logging;
using PipeForkAs.Daemon.EventLoop;
using PipeForkAs.Daemon.Processes;
using PipeForkAs.Daemon.Untrusted;

namespace PipeForkAs.Daemon.Forking;

/// <summary>What every job host needs of the daemon.</summary>
/// <param name="Loop">The loop.</param>
/// <param name="Reaper">Reaps its processes.</param>
/// <param name="Descriptors">Keeps out descriptors that workers send.</param>
/// <param name="Logger">The log.</param>
internal sealed record HostContext(Loop Loop, ChildReaper Reaper, DescriptorCheck Descriptors, ILogger Logger);
