using System.Collections;
using Microsoft.Extensions.Logging;
using PipeForkAs.Daemon.Configuration;
using PipeForkAs.Daemon.EventLoop;
using PipeForkAs.Daemon.Untrusted;
using PipeForkAs.LibC;

namespace PipeForkAs.Daemon.Listening;

/// <summary>The clients that are connected, and how many connections each user has.</summary>
/// <param name="loop">The loop.</param>
/// <param name="descriptors">Keeps descriptors out that clients send along.</param>
/// <param name="limits">Say how many connections there may be.</param>
/// <param name="serve">Serves a connection to its end.</param>
/// <param name="refuse">Tells a client that its user has too many connections.</param>
/// <param name="logger">Is told of who cannot be identified, and of what a request failed with.</param>
internal sealed class Connections(Loop loop, DescriptorCheck descriptors, LimitOptions limits, Func<Connection, Task> serve, Func<Connection, Task> refuse, ILogger logger) : IEnumerable<Connection>
{
    private readonly HashSet<Connection> open = [];
    private readonly Dictionary<UserId, int> byUid = [];
    private TaskCompletionSource? changed;

    /// <summary>How many there are.</summary>
    public int Count => open.Count;

    /// <summary>Whether there may be one more.</summary>
    public bool HaveRoom => open.Count < limits.MaxConnections;

    /// <summary>Called when one has ended.</summary>
    public Action? WhenEnded { private get; set; }

    /// <summary>Completes when a connection has ended, or the limits are others: whoever waits looks again.</summary>
    public Task ChangedAsync() => (changed ??= new TaskCompletionSource()).Task;

    /// <summary>Has whoever waits look again.</summary>
    public void Reconsider()
    {
        TaskCompletionSource? awaited = changed;
        changed = null;
        awaited?.TrySetResult();
    }

    /// <summary>Identifies who has connected, and serves that one; or closes the socket.</summary>
    /// <param name="socket">The accepted socket, from here on not the caller's.</param>
    public void Take(FileDescriptor socket)
    {
        Connection connection;
        try
        {
            connection = new Connection(loop, descriptors.Accepted(socket), Caller.Identify(socket));
        }
        catch (SystemCallException failure)
        {
            // Who cannot be identified is not served.
            Log.AcceptFailed(logger, failure.Message);
            socket.Dispose();
            return;
        }

        UserId uid = connection.Caller.Uid;
        int ofUid = byUid.GetValueOrDefault(uid);
        open.Add(connection);
        byUid[uid] = ofUid + 1;
        _ = ServeAsync(connection, ofUid < limits.MaxConnectionsPerUid ? serve : refuse);

        // While the job runs, and while the client is still there.
        loop.Post(static state => _ = ((Connection)state!).Origin, connection);
    }

    /// <summary>Waits until there are none. False where some are left after that time.</summary>
    public async Task<bool> AllEndedAsync(TimeSpan timeout)
    {
        Task elapsed = loop.DelayAsync(timeout);
        while (open.Count > 0)
        {
            if (await Task.WhenAny(ChangedAsync(), elapsed) == elapsed)
                return open.Count == 0;
        }

        return true;
    }

    /// <summary>Those that there are now: what is done to one may end it.</summary>
    public IEnumerator<Connection> GetEnumerator() => open.ToList().GetEnumerator();

    IEnumerator IEnumerable.GetEnumerator() => GetEnumerator();

    private async Task ServeAsync(Connection connection, Func<Connection, Task> service)
    {
        try
        {
            await service(connection);
        }
#pragma warning disable CA1031 // The connection's edge: one request's failure must not end the others.
        catch (Exception failure)
#pragma warning restore CA1031
        {
            Log.RequestBroke(logger, failure);
        }
        finally
        {
            connection.Close();
            Remove(connection);
        }
    }

    private void Remove(Connection connection)
    {
        open.Remove(connection);
        UserId uid = connection.Caller.Uid;
        if (--byUid[uid] == 0)
            byUid.Remove(uid);
        Reconsider();
        WhenEnded?.Invoke();
    }
}
