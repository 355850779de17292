using PipeForkAs.Files.Jobs;

namespace PipeForkAs.Files.Sessions;

/// <summary>How many requests of one user are in progress, in all sessions of this user together. The daemon counts the jobs of the page as
/// those of one caller (Limits:MaxJobsPerUid), so the page itself must keep a user from taking the jobs of all others.
/// </summary>
#pragma warning disable CA1001 // Semaphores whose wait handles nobody uses have nothing to dispose, and requests may outlive their session.
internal sealed class RequestSlots(int max)
#pragma warning restore CA1001
{
    /// <summary>The requests of one user that wait. A browser has no more connections to one site.</summary>
    private const int MaxWaiting = 64;

    private readonly SemaphoreSlim all = new(max, max);

    /// <summary>Downloads and uploads leave two slots for pages: a user with many of them can still browse.</summary>
    private readonly SemaphoreSlim transfers = new(Math.Max(1, max - 2));

    private int known;

    /// <summary>Whether no request is in progress and none waits.</summary>
    public bool IsIdle => Volatile.Read(ref known) == 0;

    /// <summary>Begins a request; waits while the most are in progress.</summary>
    /// <exception cref="FileProblem">Too many wait already.</exception>
    public async Task EnterAsync(bool isTransfer, CancellationToken cancellation)
    {
        try
        {
            if (Interlocked.Increment(ref known) > max + MaxWaiting)
                throw FileProblem.Of(503, "Too many of your requests are in progress; try again later");
            if (isTransfer)
                await transfers.WaitAsync(cancellation);
            try
            {
                await all.WaitAsync(cancellation);
            }
            catch (OperationCanceledException) when (isTransfer)
            {
                transfers.Release();
                throw;
            }
        }
        catch
        {
            Interlocked.Decrement(ref known);
            throw;
        }
    }

    /// <summary>Ends a request.</summary>
    public void Leave(bool isTransfer)
    {
        all.Release();
        if (isTransfer)
            transfers.Release();
        Interlocked.Decrement(ref known);
    }
}
