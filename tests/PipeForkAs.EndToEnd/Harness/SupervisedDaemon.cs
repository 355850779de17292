using System.Net.Sockets;
using System.Text;
using System.Text.Json.Nodes;
using PipeForkAs.LibC;
using AddressFamily = System.Net.Sockets.AddressFamily;
using SocketType = System.Net.Sockets.SocketType;

namespace PipeForkAs.EndToEnd.Harness;

/// <summary>A daemon started by a supervisor of any name, with a NOTIFY_SOCKET of the test.</summary>
internal sealed class SupervisedDaemon : IAsyncDisposable
{
    private readonly DaemonProcess supervisor;
    private readonly Socket socket;

    private SupervisedDaemon(DaemonProcess supervisor, Socket socket)
    {
        this.supervisor = supervisor;
        this.socket = socket;
    }

    /// <summary>The daemon as clients see it. Its process is the supervisor, which exits with the exit code of the daemon.</summary>
    public DaemonProcess Daemon => supervisor;

    /// <summary>Starts one without waiting for anything.</summary>
    /// <param name="name">The name of the supervisor.</param>
    /// <param name="address">The value of NOTIFY_SOCKET; null for the socket of the test.</param>
    /// <param name="isFull">Whether the socket is full from the beginning.</param>
    /// <param name="configure">Changes the configuration.</param>
    public static SupervisedDaemon Launch(string name, string? address = null, bool isFull = false, Action<JsonObject>? configure = null)
    {
        (string folder, JsonObject configuration) = DaemonProcess.Prepare();
        configure?.Invoke(configuration);
        string path = Path.Combine(folder, "notify");
        var socket = new Socket(AddressFamily.Unix, SocketType.Dgram, ProtocolType.Unspecified);
        socket.Bind(new UnixDomainSocketEndPoint(path));
        if (isFull)
            Fill(socket);

        // A script's process has the script's name. The handler keeps the script there; the daemon does not inherit it.
        string script = Path.Combine(folder, name);
        File.WriteAllText(script,
            $"#!/bin/sh\ntrap : TERM\nexport NOTIFY_SOCKET={address ?? path}\n{NativeBuild.Daemon} \"$@\"\nexit $?\n");
        Libc.chmod(script, 0x1ED); // 0755
        return new SupervisedDaemon(DaemonProcess.Launch(folder, configuration, script), socket);
    }

    /// <summary>The same, and waits until it listens.</summary>
    public static async Task<SupervisedDaemon> StartAsync(string name, bool isFull = false, Action<JsonObject>? configure = null)
    {
        SupervisedDaemon daemon = Launch(name, address: null, isFull, configure);
        await Crowd.ListeningAsync(daemon.Daemon);
        return daemon;
    }

    /// <summary>Sends the daemon itself a signal.</summary>
    public void Kill(Signal signal) => Libc.kill(new ProcessId(ProcFs.Children(supervisor.Pid).Single()), signal);

    /// <summary>Reads until a state with this prefix arrives, and returns the states before it.</summary>
    public async Task<List<string>> UntilAsync(string state)
    {
        using var deadline = new CancellationTokenSource(TimeSpan.FromSeconds(30));
        var told = new List<string>();
        var buffer = new byte[4096];
        while (true)
        {
            int count;
            try
            {
                count = await socket.ReceiveAsync(buffer, deadline.Token);
            }
            catch (OperationCanceledException)
            {
                throw new TimeoutException($"no {state} after {string.Join(", ", told)}: {supervisor.Log}");
            }

            string text = Encoding.UTF8.GetString(buffer, 0, count);
            if (text.StartsWith(state, StringComparison.Ordinal))
                return told;
            told.Add(text);
        }
    }

    public async ValueTask DisposeAsync()
    {
        foreach (int pid in ProcFs.Children(supervisor.Pid))
            Libc.kill(new ProcessId(pid), Signal.SIGTERM);
        await supervisor.DisposeAsync();
        socket.Dispose();
    }

    private static void Fill(Socket full)
    {
        using var sender = new Socket(AddressFamily.Unix, SocketType.Dgram, ProtocolType.Unspecified) { Blocking = false };
        sender.Connect(full.LocalEndPoint!);
        try
        {
            while (true)
                sender.Send("full"u8);
        }
        catch (SocketException failure) when (failure.SocketErrorCode == SocketError.WouldBlock)
        {
            // As it was meant.
        }
    }
}
