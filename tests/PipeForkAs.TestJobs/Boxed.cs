using System.Net.Sockets;
using PipeForkAs.Jobs;

namespace PipeForkAs.TestJobs;

/// <param name="Read">Files to read.</param>
/// <param name="Write">Files to write.</param>
internal sealed record BoxedArguments(IReadOnlyList<string> Read, IReadOnlyList<string> Write);

/// <summary>A function in a sandbox: what it can reach, on more than its first thread.</summary>
internal static class Boxed
{
    public static async Task<int> RunAsync(BoxedArguments arguments, JobContext context)
    {
        foreach (string path in arguments.Read)
            context.Line($"read {path}: {await TryAsync(() => File.ReadAllBytes(path))}");
        foreach (string path in arguments.Write)
            context.Line($"write {path}: {await TryAsync(() => File.WriteAllText(path, "written"))}");
        context.Line($"network: {await TryAsync(() => new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp).Dispose())}");
        context.Line($"local: {await TryAsync(() => new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified).Dispose())}");
        GC.Collect();
        GC.WaitForPendingFinalizers();
        return 0;
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
