using System.Diagnostics;
using System.Net.Sockets;
using System.Text;
using PipeForkAs.Protocol.Client;

namespace PipeForkAs.EndToEnd.Harness;

/// <summary>Runs many actions at once, and waits for conditions.</summary>
internal static class Crowd
{
    /// <summary>Reads a value until a condition is true, or fails with the last value.</summary>
    public static async Task<T> UntilAsync<T>(Func<T> ask, Predicate<T> holds, TimeSpan timeout, string what)
    {
        var waited = Stopwatch.StartNew();
        while (true)
        {
            T answer = ask();
            if (holds(answer))
                return answer;
            if (waited.Elapsed > timeout)
                throw new TimeoutException($"{what}: still {answer} after {timeout.TotalSeconds} s");
            await Task.Delay(20);
        }
    }

    /// <summary>Runs an action many times, with a number of them at once.</summary>
    public static async Task<T[]> ManyAsync<T>(int count, int atOnce, Func<int, Task<T>> act)
    {
        var results = new T[count];
        await Parallel.ForAsync(
            0, count, new ParallelOptions { MaxDegreeOfParallelism = atOnce }, async (i, _) => results[i] = await act(i));
        return results;
    }

    /// <summary>Waits until a started daemon listens.</summary>
    public static Task<string> ListeningAsync(DaemonProcess daemon) => UntilAsync(
        () => daemon.Log, log => log.Contains("listening on", StringComparison.Ordinal), TimeSpan.FromSeconds(30),
        "the daemon does not listen");

    /// <summary>The number of replies with each code.</summary>
    public static string Tally(IEnumerable<ReplyCode> codes) =>
        string.Join(", ", codes.GroupBy(code => code).OrderBy(group => group.Key).Select(group => $"{group.Key}: {group.Count()}"));

    /// <summary>Sends a line, and leaves the connection open.</summary>
    public static async Task<Socket> SendAsync(DaemonProcess daemon, string line)
    {
        Socket socket = await RawClient.ConnectAsync(daemon);
        await socket.SendAsync(Encoding.UTF8.GetBytes(line + "\n"));
        return socket;
    }

    /// <summary>Reads until a text arrives.</summary>
    public static async Task WaitForAsync(Socket socket, string text)
    {
        using var deadline = new CancellationTokenSource(TimeSpan.FromSeconds(30));
        var seen = new StringBuilder();
        var buffer = new byte[4096];
        while (!seen.ToString().Contains(text, StringComparison.Ordinal))
        {
            int count = await socket.ReceiveAsync(buffer, deadline.Token);
            if (count == 0)
                throw new InvalidOperationException($"the reply ended: {seen}");
            seen.Append(Encoding.Latin1.GetString(buffer, 0, count));
        }
    }
}
