using System.Net.Sockets;
using System.Text;
using System.Text.Json.Nodes;
using PipeForkAs.EndToEnd.Harness;
using PipeForkAs.LibC;
using PipeForkAs.Protocol.Client;
using AddressFamily = System.Net.Sockets.AddressFamily;
using SocketType = System.Net.Sockets.SocketType;

namespace PipeForkAs.EndToEnd;

public sealed class StopTests
{
    [Theory(Timeout = Bound.Test)]
    [InlineData(15)]
    [InlineData(2)]
    public async Task A_stop_lets_running_jobs_finish_accepts_no_requests_and_leaves_nothing(int signal)
    {
        await using DaemonProcess daemon = await DaemonProcess.StartAsync();
        Task<FramedReply> running = RawClient.RunAsync(daemon, "sleep", """{"seconds":2}""");
        using Socket halfRequest = await RawClient.ConnectAsync(daemon);
        await halfRequest.SendAsync(Encoding.UTF8.GetBytes("""{"reply":"frames","job":"""));
        await Task.Delay(500);
        int[] family = [.. ProcFs.Descendants(daemon.Pid)];

        Libc.kill(new ProcessId(daemon.Pid), new Signal(signal));
        await Crowd.UntilAsync(() => File.Exists(daemon.Socket), there => !there, TimeSpan.FromSeconds(10), "the socket's file");
        await Assert.ThrowsAnyAsync<SocketException>(() => RawClient.ConnectAsync(daemon));
        Assert.Equal(ReplyCode.ShuttingDown, FramedReply.Parse(await RawClient.ReadToEndAsync(halfRequest)).End.Code);
        Assert.False(running.IsCompleted);
        Assert.Equal((ReplyCode.Ok, 0), ((await running).End.Code, (await running).End.Exit));
        Assert.Equal(0, await daemon.EndedAsync());
        Assert.DoesNotContain(family, ProcFs.IsAlive);
        Assert.DoesNotContain("fail:", daemon.Log);
        Assert.Contains("s for 2 requests: sleep as ", daemon.Log);
    }

    [Fact(Timeout = Bound.Test)]
    public async Task A_stop_without_clients_does_not_wait()
    {
        await using DaemonProcess daemon = await DaemonProcess.StartAsync();
        Assert.Equal(ReplyCode.Ok, (await RawClient.RunAsync(daemon, "id")).End.Code);
        Assert.Equal(0, await daemon.StopAsync());
        Assert.DoesNotContain("stopping: waiting", daemon.Log);
        Assert.Contains("stopped", daemon.Log);
    }

    [Fact(Timeout = Bound.Test)]
    public async Task A_client_that_is_connected_when_the_daemon_stops_is_served()
    {
        await using DaemonProcess daemon = await DaemonProcess.StartAsync();
        Libc.kill(new ProcessId(daemon.Pid), Signal.SIGSTOP);
        var asked = new List<Socket>();
        for (int i = 0; i < 20; i++)
        {
            Socket client = await RawClient.ConnectAsync(daemon);
            await client.SendAsync(Encoding.UTF8.GetBytes($$"""{"job":"id","user":"{{TestUsers.Alice}}","reply":"frames"}{{'\n'}}"""));
            asked.Add(client);
        }

        // None of them is accepted when the signal arrives.
        Libc.kill(new ProcessId(daemon.Pid), Signal.SIGTERM);
        Libc.kill(new ProcessId(daemon.Pid), Signal.SIGCONT);

        foreach (Socket client in asked)
        {
            using (client)
                Assert.Equal(ReplyCode.Ok, FramedReply.Parse(await RawClient.ReadToEndAsync(client)).End.Code);
        }

        Assert.Equal(0, await daemon.EndedAsync());
    }

    [Fact(Timeout = Bound.Test)]
    public async Task Clients_that_continue_to_connect_do_not_delay_a_stop()
    {
        await using DaemonProcess daemon = await DaemonProcess.StartAsync();
        bool ended = false;
        Task[] flood = [.. Enumerable.Range(0, 4).Select(_ => Task.Run(async () =>
        {
            while (!Volatile.Read(ref ended))
            {
                try
                {
                    (await RawClient.ConnectAsync(daemon)).Dispose();
                }
                catch (SocketException)
                {
                    await Task.Delay(1);
                }
            }
        }))];

        await Task.Delay(300);
        Assert.Equal(0, await daemon.StopAsync());
        Volatile.Write(ref ended, true);
        await Task.WhenAll(flood);
    }

    [Fact(Timeout = Bound.Test)]
    public async Task A_job_that_outlasts_the_drain_ends_with_the_code_shutting_down()
    {
        await using DaemonProcess daemon = await DaemonProcess.StartAsync(c => c["Limits"]!["DrainTimeout"] = "00:00:01");
        Task<FramedReply> sleeping = RawClient.RunAsync(daemon, "sleep", """{"seconds":100}""");
        Task<FramedReply> graceful = RawClient.RunAsync(daemon, "graceful");
        Task<FramedReply> stubborn = RawClient.RunAsync(daemon, "ignore-sigterm", """{"seconds":100}""");
        await Task.Delay(500);
        Assert.Equal(0, await daemon.StopAsync());
        foreach (FramedReply reply in await Task.WhenAll(sleeping, graceful, stubborn))
            Assert.Equal(ReplyCode.ShuttingDown, reply.End.Code);
        Assert.Equal("ready\ncancelled\n", (await graceful).Text);
        Assert.False(File.Exists(daemon.Socket));
    }

    [Fact(Timeout = Bound.Test)]
    public async Task A_request_that_waits_for_a_worker_at_a_stop_is_refused_and_audited()
    {
        await using DaemonProcess daemon = await DaemonProcess.StartAsync(c =>
        {
            (c["Limits"]!["DrainTimeout"], c["Limits"]!["RequestTimeout"]) = ("00:00:01", "00:05:00");
            foreach (JsonNode? host in c["JobHosts"]!.AsArray())
                host!["Workers"] = 0;
        });
        int[] family = [.. ProcFs.Descendants(daemon.Pid)];
        foreach (int process in family)
            Libc.kill(new ProcessId(process), new Signal(19)); // SIGSTOP
        Task<FramedReply> waiting = RawClient.RunAsync(daemon, "id");
        await Task.Delay(500);
        Assert.False(waiting.IsCompleted);
        Assert.Equal(0, await daemon.StopAsync());
        Assert.Equal(ReplyCode.ShuttingDown, (await waiting).End.Code);
        Assert.Contains("code=shutting-down", daemon.Log);
        Assert.DoesNotContain(family, ProcFs.IsAlive);
    }

    [Fact(Timeout = Bound.Test)]
    public async Task A_client_that_reads_nothing_does_not_block_a_stop_forever()
    {
        await using DaemonProcess daemon = await DaemonProcess.StartAsync(c => c["Limits"]!["DrainTimeout"] = "00:00:01");
        using Socket flooded = await Crowd.SendAsync(daemon, $$$"""{"job":"flood","user":"{{{TestUsers.Alice}}}","args":{"bytes":0}}""");
        using Socket full = await Crowd.SendAsync(daemon, $$$"""{"job":"flood","user":"{{{TestUsers.Alice}}}","args":{"bytes":130000}}""");
        await Task.Delay(500);
        Assert.Equal(0, await daemon.StopAsync());
    }

    [Fact(Timeout = Bound.Test)]
    public async Task A_stop_during_the_start_leaves_nothing()
    {
        for (int milliseconds = 0; milliseconds <= 120; milliseconds += 15)
        {
            (string folder, JsonObject configuration) = DaemonProcess.Prepare();
            await using DaemonProcess daemon = DaemonProcess.Launch(folder, configuration);
            await Task.Delay(milliseconds);
            int[] family = [.. ProcFs.Descendants(daemon.Pid)];
            Libc.kill(new ProcessId(daemon.Pid), Signal.SIGTERM);
            await daemon.EndedAsync();
            await Crowd.UntilAsync(
                () => family.Count(ProcFs.IsThere), left => left == 0, TimeSpan.FromSeconds(10),
                $"processes after a stop at {milliseconds} ms");
            Assert.False(File.Exists(daemon.Socket), $"the socket is left after a stop at {milliseconds} ms");
        }
    }

    [Fact(Timeout = Bound.Test)]
    public async Task The_processes_of_a_killed_daemon_end_and_its_socket_is_replaced()
    {
        (string folder, JsonObject configuration) = DaemonProcess.Prepare();
        DaemonProcess first = DaemonProcess.Launch(folder, configuration);
        await Crowd.ListeningAsync(first);
        Task<byte[]> running = RawClient.AskAsync(
            first, Encoding.UTF8.GetBytes($$$"""{"job":"ignore-sigterm","user":"{{{TestUsers.Alice}}}","args":{"seconds":100}}""" + "\n"));
        await Task.Delay(300);
        int[] family = [.. ProcFs.Descendants(first.Pid)];
        Assert.True(family.Length >= 6);
        Libc.kill(new ProcessId(first.Pid), Signal.SIGKILL);
        await first.EndedAsync();
        await running;
        await Crowd.UntilAsync(
            () => family.Count(ProcFs.IsThere), left => left == 0, TimeSpan.FromSeconds(10), "processes of a killed daemon");
        Assert.True(File.Exists(first.Socket));

        await using DaemonProcess second = DaemonProcess.Launch(folder, configuration);
        await Crowd.ListeningAsync(second);
        Assert.Equal(ReplyCode.Ok, (await RawClient.RunAsync(second, "id")).End.Code);
        Assert.Equal(0, await second.StopAsync());
    }

    [Fact(Timeout = Bound.Test)]
    public async Task A_second_daemon_on_the_same_path_fails_and_the_first_continues()
    {
        await using DaemonProcess first = await DaemonProcess.StartAsync();
        ToolResult second = await Tool.RunAsync([NativeBuild.Daemon, "--config", Path.Combine(first.Folder, "pipeforkas.json")]);
        Assert.Equal(1, second.ExitCode);
        Assert.Contains($"another process listens on {first.Socket}", second.Error);
        Assert.Equal(ReplyCode.Ok, (await RawClient.RunAsync(first, "id")).End.Code);
    }

    [Theory(Timeout = Bound.Test)]
    [InlineData("file")]
    [InlineData("link")]
    [InlineData("dangling link")]
    [InlineData("folder")]
    public async Task A_file_that_is_not_a_socket_of_a_daemon_is_not_removed(string what)
    {
        (string folder, JsonObject configuration) = DaemonProcess.Prepare();
        string path = Path.Combine(folder, "pipeforkas.sock"), other = Path.Combine(folder, "other");
        switch (what)
        {
            case "file":
                await File.WriteAllTextAsync(path, "precious");
                break;
            case "link":
                await File.WriteAllTextAsync(other, "precious");
                File.CreateSymbolicLink(path, other);
                break;
            case "dangling link":
                File.CreateSymbolicLink(path, other);
                break;
            default:
                Directory.CreateDirectory(path);
                break;
        }

        FileStatus? before = Libc.lstat(path);
        await using DaemonProcess daemon = DaemonProcess.Launch(folder, configuration);
        Assert.Equal(1, await daemon.EndedAsync());
        Assert.Contains(
            $"{path} exists and is not a socket",
            await Crowd.UntilAsync(
                () => daemon.Log, log => log.Contains("pipeforkasd: ", StringComparison.Ordinal), TimeSpan.FromSeconds(5), "a message"));
        Assert.Equal(before, Libc.lstat(path));
        if (what == "dangling link")
            Assert.False(File.Exists(other));
    }

    [Fact(Timeout = Bound.Test)]
    public async Task The_former_daemon_does_not_remove_a_socket_that_another_daemon_replaced()
    {
        await using DaemonProcess daemon = await DaemonProcess.StartAsync();
        File.Delete(daemon.Socket);
        using var other = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        other.Bind(new UnixDomainSocketEndPoint(daemon.Socket));
        Assert.Equal(0, await daemon.StopAsync());
        Assert.True(File.Exists(daemon.Socket));
    }
}
