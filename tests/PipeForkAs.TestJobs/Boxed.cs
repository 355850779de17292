using System.Net.Sockets;
using System.Text;
using PipeForkAs.Jobs;

namespace PipeForkAs.TestJobs;

/// <param name="Read">Files to read.</param>
/// <param name="Write">Files to write.</param>
internal sealed record BoxedArguments(IReadOnlyList<string> Read, IReadOnlyList<string> Write);

/// <param name="Socket">The path of a socket.</param>
/// <param name="Request">The bytes to send.</param>
internal sealed record AskArguments(string Socket, string Request);

/// <summary>A function in a sandbox: tests what it can access, on several threads.</summary>
internal static class Boxed
{
    public static async Task<int> RunAsync(BoxedArguments arguments, JobContext context)
    {
        foreach (string path in arguments.Read)
            context.Line($"read {path}: {await TryAsync(() => File.ReadAllBytes(path))}");
        foreach (string path in arguments.Write)
            context.Line($"write {path}: {await TryAsync(() => File.WriteAllText(path, "written"))}");
        context.Line(
            $"network: {await TryAsync(() => new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp).Dispose())}");
        context.Line(
            $"local: {await TryAsync(() => new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified).Dispose())}");
        GC.Collect();
        GC.WaitForPendingFinalizers();
        return 0;
    }

    /// <summary>Requests from a service what the sandbox forbids, and looks up the name of the user.</summary>
    public static async Task<int> AskAsync(AskArguments arguments, JobContext context)
    {
        context.Line($"name: {Environment.UserName}");
        string answer = "";
        context.Line($"asked: {await TryAsync(() => answer = Ask(arguments))}");
        context.Line(answer);
        return 0;
    }

    private static string Ask(AskArguments arguments)
    {
        using var socket = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        socket.Connect(new UnixDomainSocketEndPoint(arguments.Socket));
        using var stream = new NetworkStream(socket);
        stream.Write(Encoding.UTF8.GetBytes(arguments.Request + "\n"));
        socket.Shutdown(SocketShutdown.Send);
        using var reader = new StreamReader(stream);
        return reader.ReadToEnd();
    }

    private static Task<string> TryAsync(Action action) => Task.Run(() =>
    {
        try
        {
            action();
            return "ok";
        }
        catch (Exception refused) when (refused is IOException or UnauthorizedAccessException or SocketException)
        {
            return "refused";
        }
    });
}
