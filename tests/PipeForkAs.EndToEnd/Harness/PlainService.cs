using System.Diagnostics;
using System.Net.Sockets;
using System.Text;

namespace PipeForkAs.EndToEnd.Harness;

/// <summary>
/// The job "id" without the daemon: socat forks and runs it for each connection. How long that takes is how late this machine is now,
/// because of other load and because of the processor time that an attack takes.
/// </summary>
internal sealed class PlainService : IAsyncDisposable
{
    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(20);

    private readonly string folder;
    private readonly UnixDomainSocketEndPoint address;
    private readonly Process process;

    private PlainService(string command)
    {
        folder = Directory.CreateTempSubdirectory(Leftovers.OwnFolderPrefix).FullName;
        string socket = Path.Combine(folder, "plain");
        address = new UnixDomainSocketEndPoint(socket);
        process = Process.Start("socat", ["-U", "-t", "60", $"UNIX-LISTEN:{socket},fork,backlog=128", $"SYSTEM:{command}"]);
    }

    /// <summary>Starts a service and waits until it answers.</summary>
    /// <param name="command">What it runs for each connection.</param>
    public static async Task<PlainService> StartAsync(string command = "exec id")
    {
        var service = new PlainService(command);
        try
        {
            return await Bound.UntilAsync(async () => await service.AnswersAsync() ? service : null, () => "socat does not listen");
        }
        catch
        {
            await service.DisposeAsync();
            throw;
        }
    }

    /// <summary>Asks once.</summary>
    public async Task AskAsync()
    {
        using var socket = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        await socket.ConnectAsync(address);
        Assert.Contains("uid=", Encoding.UTF8.GetString(await RawClient.ReadToEndAsync(socket)), StringComparison.Ordinal);
    }

    /// <summary>Asks again and again, with pauses. Returns the time of the slowest answer.</summary>
    public async Task<TimeSpan> SlowestAnswerAsync(CancellationToken end)
    {
        TimeSpan slowest = TimeSpan.Zero;
        while (!end.IsCancellationRequested)
        {
            long asked = Stopwatch.GetTimestamp();
            await AskAsync();
            TimeSpan took = Stopwatch.GetElapsedTime(asked);
            slowest = took > slowest ? took : slowest;
            await Task.Delay(Pause, CancellationToken.None);
        }

        return slowest;
    }

    private async Task<bool> AnswersAsync()
    {
        try
        {
            await AskAsync();
            return true;
        }
        catch (SocketException) when (!process.HasExited)
        {
            return false; // It does not listen yet.
        }
    }

    public async ValueTask DisposeAsync()
    {
        process.Kill(entireProcessTree: true);
        await process.WaitForExitAsync();
        process.Dispose();
        Directory.Delete(folder, recursive: true);
    }
}
