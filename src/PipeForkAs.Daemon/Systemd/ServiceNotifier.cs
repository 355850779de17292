using System.Text;
using Microsoft.Extensions.Hosting.Systemd;
using Microsoft.Extensions.Logging;
using PipeForkAs.Daemon.Logging;
using PipeForkAs.LibC;

namespace PipeForkAs.Daemon.Systemd;

/// <summary>
/// Sends states to the service manager and never waits; the package's own notifier blocks until the service manager reads. If there is no
/// room for a state, the notifier keeps it and sends it later: for each variable the last state, in order, so the number of kept states is
/// bounded, and the last state to arrive is correct.
/// </summary>
internal sealed class ServiceNotifier(ServiceManager manager, TimeProvider time, ILogger<ServiceNotifier> logger)
    : ISystemdNotifier, IDisposable
{
    /// <summary>The time between two attempts to send the kept states.</summary>
    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(50);

    private readonly Lock sending = new();
    private readonly List<string> kept = [];
    private ITimer? timer;
    private bool isFailing, isOver;

    /// <inheritdoc/>
    public bool IsEnabled => manager.NotifyAddress is not null;

    /// <summary>Sends a state, or keeps it if there is no room. Logs an error once, until a send succeeds again.</summary>
    public void Notify(ServiceState state)
    {
        string text = state.ToString();
        if (!IsEnabled || text.Length == 0)
            return;
        lock (sending)
        {
            if (isOver)
                return;
            SendKept();
            if (kept.Count > 0 || !TrySend(text))
                Keep(text);
        }
    }

    /// <summary>
    /// Tells the service manager that another process is the main process of the service, and sends nothing after that: the service manager
    /// ignores further messages from this process. Returns false if there is no room now; then nothing was sent.
    /// </summary>
    /// <param name="pid">The new main process.</param>
    public bool HandOver(ProcessId pid)
    {
        lock (sending)
        {
            SendKept();
            return isOver = kept.Count == 0 && TrySend($"{ServiceState.Ready}\nMAINPID={pid}");
        }
    }

    /// <summary>Checks that the service manager's address can be reached. Does nothing without an address.</summary>
    /// <exception cref="SystemCallException">No process listens at the address.</exception>
    public void ThrowIfUnreachable()
    {
        if (manager.NotifyAddress is not { } address)
            return;
        using FileDescriptor socket = Libc.socket_unix(SocketType.SOCK_DGRAM, blocking: false);
        Libc.connect(socket, address).OrThrow($"connect(NOTIFY_SOCKET={address})");
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        lock (sending)
        {
            timer?.Dispose();
            timer = null;
            kept.Clear();
        }
    }

    private static string Variable(string text) =>
        text[..(text.IndexOf('=', StringComparison.Ordinal) is >= 0 and var end ? end : text.Length)];

    private void Keep(string text)
    {
        string variable = Variable(text);

        // A late sign of life is useless; the next one follows soon.
        if (variable == ServiceStates.WatchdogVariable)
            return;
        kept.RemoveAll(former => Variable(former) == variable);
        kept.Add(text);
        timer ??= time.CreateTimer(static self => ((ServiceNotifier)self!).SendLater(), this, Pause, Pause);
    }

    private void SendLater()
    {
        lock (sending)
            SendKept();
    }

    private void SendKept()
    {
        while (kept.Count > 0 && TrySend(kept[0]))
            kept.RemoveAt(0);
        if (kept.Count > 0)
            return;
        timer?.Dispose();
        timer = null;
    }

    /// <summary>
    /// Sends a text. Returns false if there is no room now, or no descriptor for a socket. If no process listens, drops the state and logs
    /// why.
    /// </summary>
    private bool TrySend(string text)
    {
        IOResult sent;
        try
        {
            using FileDescriptor socket = Libc.socket_unix(SocketType.SOCK_DGRAM, blocking: false);
            sent = Libc.connect(socket, manager.NotifyAddress!);
            if (!sent.Failed)
                sent = Libc.send(socket, Encoding.UTF8.GetBytes(text));
        }
        catch (SystemCallException failure)
        {
            Failed(text, failure.Message);
            return false;
        }

        if (sent.WouldBlock)
            return false;
        if (sent.Failed)
            Failed(text, sent.Errno.ToString());
        else
            isFailing = false;
        return true;
    }

    private void Failed(string text, string problem)
    {
        if (!isFailing)
            Log.NotifyFailed(logger, Variable(text), problem);
        isFailing = true;
    }
}
