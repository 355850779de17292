using PipeForkAs.Daemon.Authorization;
using PipeForkAs.Daemon.Forking;
using PipeForkAs.Protocol.Worker;

namespace PipeForkAs.Daemon.Requests;

/// <summary>A job that a request may run. Until it is disposed, its job host does not end.</summary>
/// <param name="Job">The job.</param>
/// <param name="Account">The user to become.</param>
/// <param name="Decision">What the policy decided.</param>
/// <param name="Order">What it is run with.</param>
/// <param name="Lease">Keeps the job host.</param>
internal sealed record AuthorizedJob(RegisteredJob Job, Account Account, Decision Decision, JobOrder Order, JobHostPool.Lease Lease)
    : IDisposable
{
    public void Dispose() => Lease.Dispose();
}
