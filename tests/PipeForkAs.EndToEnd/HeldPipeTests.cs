using System.Diagnostics;
using System.Net.Sockets;
using System.Text;
using System.Text.Json.Nodes;
using PipeForkAs.EndToEnd.Harness;
using PipeForkAs.LibC;
using PipeForkAs.Protocol.Client;

namespace PipeForkAs.EndToEnd;

/// <summary>
/// A pipe has one lock for its reader and its writer. Tests that a program which holds the lock, in a page fault that no file system
/// answers, blocks only its own worker, whose sleep no signal ends.
/// </summary>
[Trait("Takes", "long")]
public sealed class HeldPipeTests : IAsyncDisposable
{
    /// <summary>The timeout of the hanging job in seconds: longer than the slowest accepted reply to another user.</summary>
    private const int HangingSeconds = 6;

    private readonly string mountPoint = Directory.CreateTempSubdirectory(Leftovers.OwnFolderPrefix).FullName;
    private Process? server;

    public async ValueTask DisposeAsync()
    {
        if (server is not null)
        {
            server.Kill();
            await server.WaitForExitAsync();
            server.Dispose();
        }

        await Tool.RunAsync(["umount", mountPoint]);
        Directory.Delete(mountPoint);
    }

    [Theory(Timeout = Bound.Test)]
    [InlineData("stdout", "waiting", "off")]
    [InlineData("stdout", "waiting", "required")]
    [InlineData("stdout", "taken", "off")]
    [InlineData("stdout", "taken", "required")]
    [InlineData("stdin", "waiting", "off")]
    [InlineData("stdin", "taken", "required")]
    public async Task A_program_that_holds_the_lock_of_its_pipe_delays_nothing_and_times_out(
        string stream, string how, string cgroup)
    {
        await MountAsync(how);
        await using DaemonProcess daemon = await DaemonProcess.StartAsync(configuration =>
        {
            string program = Path.Combine(Path.GetDirectoryName(configuration["Socket"]!["Path"]!.GetValue<string>())!, "hold");
            CompileAsync("hold", program).GetAwaiter().GetResult();
            configuration["Limits"]!["Cgroup"] = cgroup;
            configuration["Limits"]!["KillGrace"] = "00:00:00.5";
            configuration["Commands"] =
                JsonNode.Parse($$$"""{"hold":{"Command":["{{{program}}}","{{{mountPoint}}}/never","{{{stream}}}"]}}""");
        });
        string request = $$"""{"job":"hold","user":"{{TestUsers.Alice}}","timeout":{{HangingSeconds}},"reply":"frames"}""";
        using Socket client = await Crowd.SendAsync(daemon, request);
        Task fed = FeedAsync(client);
        Task<byte[]> replied = RawClient.ReadToEndAsync(client);

        await Bound.UntilAsync(() => Held(stream) || replied.IsCompleted, () => "no pipe is held");
        Assert.False(replied.IsCompleted);
        TimeSpan slowest = TimeSpan.Zero;
        while (!replied.IsCompleted)
        {
            long asked = Stopwatch.GetTimestamp();
            Assert.Equal(ReplyCode.Ok, (await RawClient.RunAsync(daemon, "id", user: TestUsers.Bob)).End.Code);
            TimeSpan took = Stopwatch.GetElapsedTime(asked);
            slowest = took > slowest ? took : slowest;
        }

        await fed;
        var reply = FramedReply.Parse(await replied);
        Assert.Equal(ReplyCode.Timeout, reply.End.Code);
        Assert.InRange(reply.End.Seconds, HangingSeconds - 0.1, 60);
        Assert.InRange(slowest, TimeSpan.Zero, Bystander.WithoutHanging);

        // If the request for the page was read, not even SIGKILL ends the program until the file system server has ended.
        if (how == "taken")
        {
            Assert.NotEmpty(Living());
            server!.Kill();
        }

        await Bound.UntilAsync(() => Living().Count == 0, () => $"{Living().Count} processes are still alive");
        Assert.Equal(0, await daemon.StopAsync());
    }

    private static IReadOnlyList<int> Living() => ProcFs.OfUsers([TestUsers.Entry(TestUsers.Alice).Uid]);

    /// <summary>Whether a thread of the program waits for its page; and for stdout, whether its worker waits for the lock.</summary>
    private static bool Held(string stream)
    {
        int[] living = [.. Living()];
        bool isWorkerHeld = living.Any(pid => ProcFs.Stat(pid) is { State: 'D' } && !WaitsForPage(pid));
        return living.Any(WaitsForPage) && (stream == "stdin" || isWorkerHeld);
    }

    private static bool WaitsForPage(int pid)
    {
        try
        {
            return Directory.GetDirectories($"/proc/{pid}/task").Any(task => File.ReadAllText($"{task}/wchan") == "request_wait_answer");
        }
        catch (IOException)
        {
            return false;
        }
    }

    private static async Task FeedAsync(Socket client)
    {
        var zeros = new byte[65_536];
        try
        {
            while (true)
                await client.SendAsync(zeros);
        }
        catch (SocketException)
        {
            // The reply is out, and the connection closed.
        }
    }

    private static Task CompileAsync(string name, string program)
    {
        string source = Path.Combine(AppContext.BaseDirectory, "Hostile", $"{name}.c");
        return CProgram.BuildAsync(source, program, "-pthread");
    }

    private async Task MountAsync(string how)
    {
        string program = $"{mountPoint}.server";
        try
        {
            await CompileAsync("undelivered", program);
            server = Process.Start(new ProcessStartInfo(program, [mountPoint, how]) { RedirectStandardOutput = true })!;
            Assert.Equal("mounted", await server.StandardOutput.ReadLineAsync());
        }
        finally
        {
            File.Delete(program);
        }
    }
}
