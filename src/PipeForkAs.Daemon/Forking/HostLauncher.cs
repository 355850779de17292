using PipeForkAs.Daemon.Isolation;
using PipeForkAs.LibC;
using PipeForkAs.Protocol.Worker;

namespace PipeForkAs.Daemon.Forking;

/// <summary>Starts the processes of job hosts.</summary>
internal static class HostLauncher
{
    /// <summary>Nothing of the daemon's own environment reaches a job host. Jobs get an environment of their own.</summary>
    private static readonly string[] Environment = ["PATH=/usr/local/bin:/usr/bin:/bin", "LANG=C.UTF-8"];

    /// <summary>Starts an executable with a control socket as descriptor 3, nothing to read, and the daemon's stderr.</summary>
    /// <param name="context">What it needs.</param>
    /// <param name="isolation">Has a place for its workers.</param>
    /// <param name="path">The executable.</param>
    /// <param name="forRoot">Whether it forks for orders that grant root, and no others.</param>
    /// <param name="owner">Learns what becomes of it.</param>
    /// <exception cref="SystemCallException">It cannot be started.</exception>
    public static HostProcess Start(HostContext context, JobIsolation isolation, string path, bool forRoot, IHostProcessOwner owner)
    {
        (FileDescriptor own, FileDescriptor theirs) = Libc.socketpair_seqpacket();
        try
        {
            using (theirs)
            using (FileDescriptor nothing = Libc.open("/dev/null", OpenFlags.O_RDWR))
            {
                Libc.set_nonblocking(own);
#pragma warning disable CA2000 // The descriptor is the process's own, and stays open.
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
