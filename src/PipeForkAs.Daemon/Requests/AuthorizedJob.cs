using PipeForkAs.Daemon.Authorization;
using PipeForkAs.Daemon.Forking;
using PipeForkAs.Protocol.Worker;

namespace PipeForkAs.Daemon.Requests;

/// <summary>A job that a request may run. The job host keeps running until this is disposed.</summary>
/// <param name="Job">The job.</param>
/// <param name="Account">The target user.</param>
/// <param name="Decision">The decision of the policy.</param>
/// <param name="Order">The parameters of the run.</param>
/// <param name="Lease">Keeps the job host running.</param>
internal sealed record AuthorizedJob(RegisteredJob Job, Account Account, Decision Decision, JobOrder Order, JobHostPool.Lease Lease)
    : IDisposable
{
    public void Dispose() => Lease.Dispose();
}
