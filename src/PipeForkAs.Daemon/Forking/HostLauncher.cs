using PipeForkAs.Daemon.Isolation;
using PipeForkAs.LibC;
using PipeForkAs.Protocol.Worker;

namespace PipeForkAs.Daemon.Forking;

/// <summary>Starts the processes of job hosts.</summary>
internal static class HostLauncher
{
    /// <summary>The environment of a job host, which gets nothing of the daemon's environment. Each job gets its own environment.</summary>
    private static readonly string[] Environment = ["PATH=/usr/local/bin:/usr/bin:/bin", "LANG=C.UTF-8"];

    /// <summary>Starts an executable with a control socket as descriptor 3, an empty stdin, and the daemon's stderr.</summary>
    /// <param name="context">The parts of the daemon that the process needs.</param>
    /// <param name="isolation">Provides the places for the workers.</param>
    /// <param name="path">The executable.</param>
    /// <param name="forRoot">Whether the process forks only for orders that grant root.</param>
    /// <param name="owner">Learns what happens to the process.</param>
    /// <exception cref="SystemCallException">The executable cannot be started.</exception>
    public static HostProcess Start(HostContext context, JobIsolation isolation, string path, bool forRoot, IHostProcessOwner owner)
    {
        (FileDescriptor own, FileDescriptor theirs) = Libc.socketpair_seqpacket();
        try
        {
            using (theirs)
            using (FileDescriptor nothing = Libc.open("/dev/null", OpenFlags.O_RDWR))
            {
                Libc.set_nonblocking(own);
#pragma warning disable CA2000 // The process owns the descriptor, which stays open.
                var stderr = new FileDescriptor(2);
#pragma warning restore CA2000
                HostProcess process = context.Reaper.Start(() =>
                {
                    ProcessId pid = Libc.posix_spawn(
                        path, [path, forRoot ? WorkerProtocol.ServeRootArgument : WorkerProtocol.ServeArgument], Environment,
                        [(theirs, WorkerProtocol.ControlDescriptor), (nothing, 0), (stderr, 1)]);
                    return new HostProcess(context, isolation, owner, pid, new HostChannel(context.Loop, own));
                });
                stderr.Release();
                return process;
            }
        }
        catch
        {
            own.Dispose();
            throw;
        }
    }
}
