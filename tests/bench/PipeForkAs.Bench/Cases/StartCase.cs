using System.Diagnostics;
using System.Net.Sockets;
using System.Text;
using PipeForkAs.Bench.Contenders;

namespace PipeForkAs.Bench.Cases;

/// <summary>Milliseconds from the start of the program, medians.</summary>
/// <param name="Ready">To the notification to systemd.</param>
/// <param name="Answered">To the end of the first reply, requested repeatedly from the start.</param>
/// <param name="FloorAnswered">The same for the floor.</param>
internal sealed record StartResult(double Ready, double Answered, double FloorAnswered);

internal static class StartCase
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);

    public static async Task<StartResult> RunAsync(Place place)
    {
        var ready = new List<double>();
        var answered = new List<double>();
        var floor = new List<double>();
        for (int round = 0; round < place.Settings.Starts; round++)
        {
            ready.Add(await ReadyAsync(place));
            (string socket, string[] command) = await Daemon.PrepareAsync(place);
            answered.Add(await AnsweredAsync(place, socket, command, Daemon.Request(place, "id")));
            string other = place.Fresh("floor");
            floor.Add(await AnsweredAsync(place, other, [place.Floor, other, place.User.Name], "id"));
        }

        return new StartResult(Statistics.Median(ready), Statistics.Median(answered), Statistics.Median(floor));
    }

    /// <summary>sd_notify(3).</summary>
    private static async Task<double> ReadyAsync(Place place)
    {
        (string socket, string[] command) = await Daemon.PrepareAsync(place);
        string path = place.Fresh("notify");
        using var notifications = new Socket(AddressFamily.Unix, SocketType.Dgram, ProtocolType.Unspecified);
        notifications.Bind(new UnixDomainSocketEndPoint(path));
        long start = Stopwatch.GetTimestamp();
        await using Server server = Server.Launch(place, socket, command, ("NOTIFY_SOCKET", path));
        using var deadline = CancellationTokenSource.CreateLinkedTokenSource(place.Cancellation);
        deadline.CancelAfter(Patience);
        var buffer = new byte[4096];
        while (true)
        {
            int count = await notifications.ReceiveAsync(buffer, deadline.Token);
            if (Encoding.UTF8.GetString(buffer, 0, count).Split('\n').Contains("READY=1"))
                return Stopwatch.GetElapsedTime(start).TotalMilliseconds;
        }
    }

    private static async Task<double> AnsweredAsync(Place place, string socket, string[] command, string request)
    {
        long start = Stopwatch.GetTimestamp();
        await using Server server = Server.Launch(place, socket, command);
        while (true)
        {
            place.Cancellation.ThrowIfCancellationRequested();
            if (server.HasEnded || Stopwatch.GetElapsedTime(start) > Patience)
                throw new InvalidOperationException($"{command[0]} does not answer");
            if (File.Exists(socket) && Ask(socket, request) is { } reply)
            {
                double passed = Stopwatch.GetElapsedTime(start).TotalMilliseconds;
                if (!reply.StartsWith($"uid={place.User.Uid}", StringComparison.Ordinal))
                    place.Problems.Add($"the first reply of {command[0]}: {reply}");
                return passed;
            }

            Thread.Sleep(TimeSpan.FromMicroseconds(200));
        }
    }

    /// <summary>The reply; null if no process listens yet.</summary>
    private static string? Ask(string path, string request)
    {
        using var socket = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        try
        {
            socket.Connect(new UnixDomainSocketEndPoint(path));
        }
        catch (SocketException refused) when (refused.SocketErrorCode is SocketError.ConnectionRefused)
        {
            return null;
        }

        socket.ReceiveTimeout = (int)Patience.TotalMilliseconds;
        socket.Send(Encoding.UTF8.GetBytes(request + "\n"));
        socket.Shutdown(SocketShutdown.Send);
        var reply = new StringBuilder();
        var buffer = new byte[4096];
        for (int count; (count = socket.Receive(buffer)) > 0;)
            reply.Append(Encoding.UTF8.GetString(buffer, 0, count));
        return reply.ToString();
    }
}
