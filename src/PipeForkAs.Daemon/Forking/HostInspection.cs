using System.Runtime.InteropServices;
using Microsoft.Extensions.Logging.Abstractions;
using PipeForkAs.Daemon.Commands;
using PipeForkAs.Daemon.Configuration;
using PipeForkAs.Daemon.EventLoop;
using PipeForkAs.Daemon.Isolation;
using PipeForkAs.Daemon.Processes;
using PipeForkAs.Daemon.Untrusted;
using PipeForkAs.LibC;
using PipeForkAs.Protocol.Client;

namespace PipeForkAs.Daemon.Forking;

/// <summary>
/// Starts the job hosts of a configuration for a short time, as the daemon does, and makes the catalog of their jobs. No job runs.
/// </summary>
internal static class HostInspection
{
    /// <summary>Returns all jobs, including the restrictions from the configuration.</summary>
    /// <exception cref="JobHostException">A job host cannot serve.</exception>
    /// <exception cref="ConfigurationException">The jobs contradict each other or the configuration.</exception>
    public static async Task<JobDescription[]> JobsAsync(DaemonOptions options)
    {
        Libc.signal_ignore(Signal.SIGPIPE);
        var done = new TaskCompletionSource<JobDescription[]>(TaskCreationOptions.RunContinuationsAsynchronously);
        using var own = new Loop(TimeProvider.System, failure => done.TrySetException(failure));
        return await InspectOnAsync(own, options, done);
    }

    private static async Task<JobDescription[]> InspectOnAsync(
        Loop loop, DaemonOptions options, TaskCompletionSource<JobDescription[]> done)
    {
        var reaper = new ChildReaper(failure => done.TrySetException(failure));
        using PosixSignalRegistration childEnded = PosixSignalRegistration.Create(PosixSignal.SIGCHLD, _ => reaper.ChildEnded(loop));
        var thread = new Thread(loop.Run) { Name = "event loop", IsBackground = true };
        thread.Start();
        loop.Post(_ => loop.Start(() => InspectAsync(loop, reaper, options, done)), null);
        try
        {
            return await done.Task;
        }
        finally
        {
            loop.Stop();
            thread.Join();
        }
    }

    private static async Task InspectAsync(
        Loop loop, ChildReaper reaper, DaemonOptions options, TaskCompletionSource<JobDescription[]> done)
    {
        var descriptors = new DescriptorCheck(
            loop, reaper, options.Socket.DescriptorCheck == SocketOptions.ByDaemon, NullLogger.Instance, static _ => { });
        var context = new HostContext(loop, reaper, descriptors, NullLogger.Instance);
        JobHostPool[] hosts = [.. options.JobHosts.Select(host => new JobHostPool(context, WithoutWorkers(host), static _ => { }))];
        JobDescription[] jobs = [];
        Exception? problem = null;
        try
        {
            var isolation = new SweepIsolation(loop, reaper, NullLogger.Instance);
            await Task.WhenAll(hosts.Select(host => host.StartAsync(isolation)));
            var catalog = new JobCatalog(hosts, CommandJob.All(options), options.Jobs);
            catalog.Refresh();
            jobs = [.. catalog.All.Select(job => job.Description)];
        }
        catch (Exception failure) when (failure is JobHostException or ConfigurationException or SystemCallException)
        {
            problem = failure;
        }

        await Task.WhenAll(hosts.Select(host => host.StopAsync()));
        if (problem is null)
            done.TrySetResult(jobs);
        else
            done.TrySetException(problem);
    }

    private static JobHostOptions WithoutWorkers(JobHostOptions host) =>
        new() { Path = host.Path, Workers = 0, MaxWorkers = 0, Processes = 1 };
}
