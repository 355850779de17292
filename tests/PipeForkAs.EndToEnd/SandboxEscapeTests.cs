using System.Diagnostics;
using System.Net.Sockets;
using System.Text.Json;
using PipeForkAs.EndToEnd.Harness;
using PipeForkAs.LibC;
using PipeForkAs.Protocol.Client;

namespace PipeForkAs.EndToEnd;

/// <summary>
/// Tests that no service of the machine does for a job what its sandbox forbids, with restrictions of only files, and of only the network.
/// </summary>
public sealed class SandboxEscapeTests(SandboxDaemon shared) : IClassFixture<SandboxDaemon>
{
    private const int EPERM = 1;
    private readonly DaemonProcess daemon = shared.Daemon;

    [Theory(Timeout = Bound.Test)]
    [InlineData("ask")]
    [InlineData("ask-by-socat")]
    public async Task A_job_in_a_sandbox_cannot_request_a_job_without_one(string job)
    {
        string home = TestUsers.Entry(TestUsers.Alice).Home, file = $"{home}/{job}";
        await Tool.MustAsync("runuser", "-u", TestUsers.Alice, "--", "/bin/sh", "-c", $"echo of the home >{file}");
        try
        {
            string request = $$$"""{"job":"read-file","user":"{{{TestUsers.Alice}}}","args":{"path":"{{{file}}}"}}""";
            string arguments = JsonSerializer.Serialize(
                new Dictionary<string, string> { ["socket"] = daemon.Socket, ["request"] = request });
            FramedReply free = await RawClient.RunAsync(daemon, job, arguments);
            FramedReply files = await RawClient.RunAsync(daemon, $"{job}-files", arguments),
                network = await RawClient.RunAsync(daemon, $"{job}-network", arguments);

            // Without a sandbox, this way leads to the file.
            Assert.Contains("of the home", free.Text);
            Assert.All([files, network], boxed =>
            {
                Assert.DoesNotContain("of the home", boxed.Text);
                if (job == "ask")
                    Assert.Equal((ReplyCode.Ok, $"name: {TestUsers.Alice}\nasked: refused\n\n"), (boxed.End.Code, boxed.Text));
                else
                    Assert.Contains("Address family not supported", System.Text.Encoding.UTF8.GetString(boxed.Stderr));
            });
        }
        finally
        {
            File.Delete(file);
        }
    }

    /// <summary>Through its memory or its sockets, another process of the user would do what the sandbox forbids.</summary>
    [Fact(Timeout = Bound.Test)]
    public async Task A_job_in_a_sandbox_cannot_enter_other_processes_of_its_user()
    {
        using var outside = Process.Start(
            "setpriv", ["--reuid", TestUsers.Alice, "--regid", TestUsers.Alice, "--clear-groups", "sleep", "300"]);
        try
        {
            int sleep = outside.Id;
            await Crowd.UntilAsync(
                () => File.ReadAllText($"/proc/{sleep}/comm"), name => name == "sleep\n", TimeSpan.FromSeconds(30), "the process outside");
            string[] free = await SucceededAsync("attack", sleep);
            if (!File.Exists("/proc/sys/kernel/yama/ptrace_scope"))
                Assert.Contains($"open(/proc/{sleep}/mem)", free);
            foreach (string job in new[] { "attack-network", "attack-calls" })
                Assert.Equal(Libc.landlock_abi() >= 6 ? [] : [$"kill({sleep}, SIGSTOP)"], await SucceededAsync(job, sleep));
        }
        finally
        {
            outside.Kill(entireProcessTree: true);
            await outside.WaitForExitAsync();
        }
    }

    private async Task<string[]> SucceededAsync(string job, int pid)
    {
        FramedReply reply = await RawClient.RunAsync(daemon, job, $$"""{"pids":[{{pid}}],"spare":true}""");
        using JsonDocument attempts = JsonDocument.Parse(reply.Text);
        return [.. attempts.RootElement.EnumerateArray().Where(attempt => attempt.GetProperty("succeeded").GetBoolean()).Select(
            attempt => attempt.GetProperty("what").GetString()!)];
    }

    [Fact(Timeout = Bound.Test)]
    public async Task In_a_sandbox_socket_pairs_and_pipes_work_but_reach_no_service()
    {
        string path = Path.Combine(daemon.Folder, "datagrams");
        using var service = new Socket(AddressFamily.Unix, System.Net.Sockets.SocketType.Dgram, ProtocolType.Unspecified);
        service.Bind(new UnixDomainSocketEndPoint(path));
        Libc.chmod(path, 0x1B6); // 0666
        try
        {
            Assert.All((await ReachAsync("pairs")).Values, errno => Assert.Equal(0, errno));
            Assert.Equal("escaped", await ReceivedAsync(service));

            foreach (string job in new[] { "pairs-files", "pairs-network" })
            {
                foreach ((string word, int errno) in await ReachAsync(job))
                    Assert.Equal((job, word, SandboxDaemon.Pairs.Split(' ').Contains(word) ? 0 : EPERM), (job, word, errno));
            }

            Assert.False(service.Poll(0, SelectMode.SelectRead));
        }
        finally
        {
            File.Delete(path);
        }
    }

    [Fact(Timeout = Bound.Test)]
    public async Task A_job_in_a_sandbox_can_look_up_names_in_files()
    {
        FramedReply free = await RawClient.RunAsync(daemon, "names"), files = await RawClient.RunAsync(daemon, "names-files"),
            network = await RawClient.RunAsync(daemon, "names-network");

        Assert.Equal(ReplyCode.Ok, free.End.Code);
        Assert.StartsWith($"{TestUsers.Alice}\n", free.Text);
        Assert.Equal((free.End.Code, free.Text), (files.End.Code, files.Text));
        Assert.Equal((free.End.Code, free.Text), (network.End.Code, network.Text));
    }

    [Fact(Timeout = Bound.Test)]
    public async Task A_job_in_a_sandbox_can_signal_only_its_own_processes()
    {
        PasswordEntry alice = TestUsers.Entry(TestUsers.Alice);
        using Process outside = Process.Start(new ProcessStartInfo(
            "setpriv", [$"--reuid={alice.Uid}", $"--regid={alice.Gid}", "--clear-groups", "/bin/sh", "-c", "echo $$; exec sleep 300"])
        { RedirectStandardOutput = true })!;
        try
        {
            string pid = (await outside.StandardOutput.ReadLineAsync())!;
            int forbidden = Libc.landlock_abi() >= 6 ? EPERM : 0;
            string arguments = $$"""{"pid":{{pid}}}""";

            Assert.Equal((0, 0), await SignalsAsync("signals", pid, arguments));
            Assert.Equal((0, forbidden), await SignalsAsync("signals-files", pid, arguments));
            Assert.Equal((0, forbidden), await SignalsAsync("signals-network", pid, arguments));

            // The kernel would kill it through a limit of processor time; the sandbox of an older kernel forbids that as well.
            Assert.Equal(0, (await ReachAsync("limits", arguments))[pid]);
            Assert.Equal(EPERM, (await ReachAsync("limits-files", arguments))[pid]);
            Assert.Equal(EPERM, (await ReachAsync("limits-network", arguments))[pid]);
        }
        finally
        {
            outside.Kill();
            await outside.WaitForExitAsync();
        }
    }

    private async Task<(int Child, int Other)> SignalsAsync(string job, string pid, string arguments)
    {
        Dictionary<string, int> reached = await ReachAsync(job, arguments);
        return (reached["kill-child"], reached[pid]);
    }

    private async Task<Dictionary<string, int>> ReachAsync(string job, string arguments = "{}")
    {
        FramedReply reply = await RawClient.RunAsync(daemon, job, arguments);
        Assert.Equal((job, ReplyCode.Ok, ""), (job, reply.End.Code, reply.End.Message ?? ""));
        return reply.Text.Split('\n', StringSplitOptions.RemoveEmptyEntries).Select(line => line.Split(' '))
            .ToDictionary(parts => parts[0], parts => int.Parse(parts[1], System.Globalization.CultureInfo.InvariantCulture));
    }

    private static async Task<string> ReceivedAsync(Socket service)
    {
        var room = new byte[64];
        return System.Text.Encoding.UTF8.GetString(room, 0, await service.ReceiveAsync(room));
    }
}
