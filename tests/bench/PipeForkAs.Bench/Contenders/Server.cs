using System.Diagnostics;
using System.Net.Sockets;
using PipeForkAs.EndToEnd.Harness;
using PipeForkAs.LibC;

namespace PipeForkAs.Bench.Contenders;

/// <summary>A server of a contender, which listens on its own socket. Its messages go to a file.</summary>
internal sealed class Server : IAsyncDisposable
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);
    private readonly Process process;
    private readonly string log;

    private Server(Process process, string socket, string log)
    {
        this.process = process;
        Socket = socket;
        this.log = log;
    }

    public string Socket { get; }

    public int Pid => process.Id;

    /// <summary>Starts one without waiting for anything.</summary>
    public static Server Launch(Place place, string socket, IEnumerable<string> command, params (string Name, string Value)[] environment)
    {
        string log = $"{socket}.log";
        var start = new ProcessStartInfo(
            "/bin/sh",
            ["-c", "log=$1; shift; exec \"$@\" >\"$log\" 2>&1 </dev/null", "sh", log, .. command])
        { WorkingDirectory = place.Folder };
        foreach ((string name, string value) in environment)
            start.Environment[name] = value;
        return new Server(Process.Start(start)!, socket, log);
    }

    /// <summary>Starts one and waits until it accepts connections.</summary>
    public static async Task<Server> StartAsync(
        Place place, string socket, IEnumerable<string> command, params (string Name, string Value)[] environment)
    {
        Server server = Launch(place, socket, command, environment);
        try
        {
            var waited = Stopwatch.StartNew();
            while (!await server.ListensAsync())
            {
                if (server.process.HasExited || waited.Elapsed > Patience)
                    throw new InvalidOperationException(
                        $"{string.Join(' ', command)} does not listen: {await File.ReadAllTextAsync(server.log, place.Cancellation)}");
                await Task.Delay(5, place.Cancellation);
            }

            return server;
        }
        catch
        {
            await server.DisposeAsync();
            throw;
        }
    }

    public bool HasEnded => process.HasExited;

    public async ValueTask DisposeAsync()
    {
        int[] family = [.. ProcFs.Descendants(Pid)];
        if (!process.HasExited)
        {
            Libc.kill(new ProcessId(Pid), Signal.SIGTERM);
            using var deadline = new CancellationTokenSource(Patience);
            try
            {
                await process.WaitForExitAsync(deadline.Token);
            }
            catch (OperationCanceledException)
            {
                process.Kill();
            }
        }

        // The server may leave children: this run ends them.
        foreach (int pid in family.Where(
            pid => ProcFs.Stat(pid) is { Parent: 1 } && ProcFs.CommandLine(pid).Contains(Socket, StringComparison.Ordinal)))
            Libc.kill(new ProcessId(pid), Signal.SIGKILL);
        process.Dispose();
        File.Delete(Socket);
    }

    private async Task<bool> ListensAsync()
    {
        if (!File.Exists(Socket))
            return false;
        try
        {
            using var socket = new Socket(AddressFamily.Unix, System.Net.Sockets.SocketType.Stream, ProtocolType.Unspecified);
            await socket.ConnectAsync(new UnixDomainSocketEndPoint(Socket));
            return true;
        }
        catch (SocketException)
        {
            return false;
        }
    }
}
