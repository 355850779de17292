using Microsoft.Extensions.Logging;
using PipeForkAs.Daemon.Callers;
using PipeForkAs.Daemon.EventLoop;
using PipeForkAs.Daemon.Fairness;
using PipeForkAs.Daemon.Logging;
using PipeForkAs.Daemon.Untrusted;
using PipeForkAs.Daemon.Users;
using PipeForkAs.LibC;

namespace PipeForkAs.Daemon.Listening;

/// <summary>Identifies the callers of new connections and finds their buckets, which can take a look at the user database.</summary>
/// <param name="loop">The loop.</param>
/// <param name="descriptors">Refuses descriptors that callers send.</param>
/// <param name="buckets">Finds the bucket of a uid.</param>
/// <param name="byBucket">Counts the connections of each bucket.</param>
/// <param name="identified">Receives a connection with its caller and bucket.</param>
/// <param name="changed">Called after a connection that had to wait was received.</param>
/// <param name="logger">Logs callers that cannot be identified.</param>
internal sealed class UnidentifiedConnections(
    Loop loop, DescriptorCheck descriptors, CallerBuckets buckets, BucketTable byBucket,
    Action<UntrustedSocket, Caller, Bucket> identified, Action changed, ILogger logger)
{
    /// <summary>
    /// The maximum number of connections from one block of unknown uids that wait for the user database. Further connections share the
    /// bucket for uids without an account.
    /// </summary>
    private const int MaxUnknown = 16;

    /// <summary>The number of connections that wait for the user database.</summary>
    public int Count { get; private set; }

    /// <summary>Identifies a caller. Closes the socket if that fails.</summary>
    /// <param name="accepted">The accepted socket, which this object owns from now on.</param>
    public void Take(FileDescriptor accepted)
    {
        UntrustedSocket socket;
        try
        {
#pragma warning disable CA2000 // The receiver owns it and closes it.
            socket = descriptors.Accepted(accepted);
#pragma warning restore CA2000
        }
        catch (SystemCallException failure)
        {
            // The daemon does not serve a socket that it cannot inspect.
            Log.AcceptFailed(logger, failure.Message);
            accepted.Dispose();
            return;
        }

        Take(socket);
    }

    private void Take(UntrustedSocket socket)
    {
        Caller caller;
        try
        {
            caller = Caller.Identify(socket.Descriptor);
        }
        catch (SystemCallException failure)
        {
            // The daemon does not serve a caller that it cannot identify.
            Log.AcceptFailed(logger, failure.Message);
            socket.Dispose();
            return;
        }

        if (buckets.TryFind(caller.Uid, out Bucket bucket))
        {
            identified(socket, caller, bucket);
            return;
        }

        BucketConnections its = byBucket.Of(Bucket.OfUnknown(caller.Uid));
        if (its.Count >= MaxUnknown)
            identified(socket, caller, Bucket.WithoutAccount);
        else
            loop.Start(() => FindBucketAsync(socket, caller, its));
    }

    private async Task FindBucketAsync(UntrustedSocket socket, Caller caller, BucketConnections its)
    {
        Count++;
        its.Count++;
        Bucket bucket = Bucket.WithoutAccount;
        try
        {
            bucket = await buckets.FindAsync(caller.Uid);
        }
        finally
        {
            Count--;
            byBucket.Leave(its);
            identified(socket, caller, bucket);
            changed();
        }
    }
}
