using PipeForkAs.Jobs.ByHand;
using PipeForkAs.Jobs.Forking;
using PipeForkAs.LibC;
using PipeForkAs.Protocol.Worker;

namespace PipeForkAs.Jobs;

/// <summary>
/// The entry point of a job host: an executable with job functions. The daemon runs them as users, in forked workers.
/// <code>
/// return JobHost.Run(args, jobs =>
/// {
///     jobs.Add("motto", () => "eggman");
/// });
/// </code>
/// </summary>
public static class JobHost
{
    /// <summary>If the daemon started the process, serves the daemon until the daemon ends. If a person started it, lists the jobs (no
    /// argument, or <c>list</c>), describes one (<c>describe JOB</c>), or runs one in this process, without a fork and as the current user
    /// (<c>run JOB [NAME=VALUE ...]</c>).
    /// </summary>
    /// <param name="args">The arguments of <c>Main</c>.</param>
    /// <param name="register">
    /// Registers the jobs. It runs as root, before any fork, once in each process of the job host (another process starts for the first
    /// order that grants root), and must register the same jobs each time. It must not start a thread, a task or a timer, open a socket or
    /// write to the console. It must not keep a secret, because every job can read the job host's memory.
    /// </param>
    /// <returns>The exit code for <c>Main</c> to return.</returns>
    public static int Run(string[] args, Action<JobCollection> register)
    {
        ArgumentNullException.ThrowIfNull(args);
        ArgumentNullException.ThrowIfNull(register);

        if (args is [WorkerProtocol.ServeArgument])
            HostServer.Serve(register, forRoot: false);
        if (args is [WorkerProtocol.ServeRootArgument])
            HostServer.Serve(register, forRoot: true);

        StandardStreams.Occupy();
        var jobs = new JobCollection();
        return ByHandRegistration.TryRegister(jobs, register) ? JobCommands.Run(args, jobs) : ExitCode.Threw;
    }
}
