using System.Globalization;
using System.Net.Sockets;
using System.Text.Json.Nodes;
using PipeForkAs.EndToEnd.Harness;
using PipeForkAs.LibC;
using PipeForkAs.Protocol.Client;

namespace PipeForkAs.EndToEnd;

/// <summary>Tests a reload that is requested on the socket: the caller gets the result.</summary>
public sealed class ReloadTests
{
    [Fact(Timeout = Bound.Test)]
    public async Task The_reload_command_waits_for_the_result_and_reports_it()
    {
        JsonObject configuration = null!;
        await using DaemonProcess daemon = await DaemonProcess.StartAsync(made => configuration = made);
        ToolResult same = await ReloadAsync(daemon);
        Assert.Equal((0, "configuration reloaded; changed: nothing\n", ""), (same.ExitCode, same.Text, same.Error));

        configuration["Commands"]!["hello"] = new JsonObject { ["Command"] = new JsonArray("/bin/echo", "hello") };
        await WriteAsync(daemon, configuration);
        ToolResult taken = await ReloadAsync(daemon);
        Assert.Equal((0, ""), (taken.ExitCode, taken.Error));
        Assert.EndsWith("Commands:hello:Command:0, Commands:hello:Command:1\n", taken.Text);

        // Without a pause: after the reply the reload is complete.
        Assert.Equal("hello\n", (await RawClient.RunAsync(daemon, "hello")).Text);

        configuration["Commands"]!["hello"]!["Command"]![0] = "relative";
        configuration["Limits"]!["MaxJobs"] = 0;
        await WriteAsync(daemon, configuration);
        ToolResult refused = await ReloadAsync(daemon);
        Assert.Equal((1, ""), (refused.ExitCode, refused.Text));
        string[] lines = refused.Error.Split('\n', StringSplitOptions.RemoveEmptyEntries);
        Assert.Equal(3, lines.Length);
        string file = $"pipeforkasd: {daemon.Folder}/pipeforkas.json";
        Assert.Contains(lines, line => line.StartsWith($"{file}: Commands:hello:Command", StringComparison.Ordinal));
        Assert.Contains(lines, line => line.StartsWith($"{file}: Limits:MaxJobs: ", StringComparison.Ordinal));
        Assert.Equal("pipeforkasd: configuration not reloaded; the former one still applies", lines[2]);
        Assert.Equal("hello\n", (await RawClient.RunAsync(daemon, "hello")).Text);
        Assert.Equal(0, await daemon.StopAsync());
    }

    [Fact(Timeout = Bound.Test)]
    public async Task The_reload_command_finds_the_daemon_after_any_configuration_change()
    {
        JsonObject configuration = null!;
        await using DaemonProcess daemon = await DaemonProcess.StartAsync(made => configuration = made);
        JsonObject moved = configuration.DeepClone().AsObject();
        moved["Socket"]!["Path"] = Path.Combine(daemon.Folder, "elsewhere.sock");
        (string, string)[] cases =
            [(moved.ToJsonString(), "Socket:Path: cannot change while the daemon runs"), ("{ \"Socket\": ", "pipeforkas.json: ")];
        foreach ((string text, string problem) in cases)
        {
            await File.WriteAllTextAsync(ConfigurationOf(daemon), text);
            ToolResult refused = await ReloadAsync(daemon);
            Assert.Equal(1, refused.ExitCode);
            Assert.Contains(problem, refused.Error);
            Assert.Contains("configuration not reloaded", refused.Error);
        }

        await WriteAsync(daemon, configuration);
        ToolResult byFile = await Tool.RunAsync(
            ["env", "-u", "MAINPID", NativeBuild.Daemon, "--reload", "--config", ConfigurationOf(daemon)]);
        Assert.Equal((0, ""), (byFile.ExitCode, byFile.Error));
        Assert.Equal(0, await daemon.StopAsync());
    }

    [Fact(Timeout = Bound.Test)]
    public async Task Only_root_may_request_a_reload()
    {
        await using DaemonProcess daemon = await DaemonProcess.StartAsync();
        Assert.Equal("pipeforkas: denied: only root may reload the configuration\n", await AskAsAliceAsync(daemon));
        Assert.DoesNotContain("configuration reloaded", daemon.Log);
        Assert.Equal(0, await daemon.StopAsync());
    }

    [Fact(Timeout = Bound.Test)]
    public async Task Each_of_many_concurrent_reloads_gets_a_reply()
    {
        JsonObject configuration = null!;
        await using DaemonProcess daemon = await DaemonProcess.StartAsync(made => configuration = made);
        JsonObject bad = configuration.DeepClone().AsObject();
        bad["Limits"]!["MaxJobs"] = 0;
        for (int round = 0; round < 10; round++)
        {
            await WriteAsync(daemon, round % 2 == 0 ? bad : configuration);
            FramedReply[] replies = await Task.WhenAll(Enumerable.Range(0, 8).Select(_ => AskAsync(daemon)));
            Assert.All(replies, reply => Assert.Equal(round % 2 == 0 ? ReplyCode.Failed : ReplyCode.Ok, reply.End.Code));
            Assert.All(replies, reply => Assert.Equal(round % 2 == 0, reply.Text.Contains("Limits:MaxJobs", StringComparison.Ordinal)));
        }

        Assert.Equal(0, await daemon.StopAsync());
    }

    [Fact(Timeout = Bound.Test)]
    public async Task A_process_id_that_is_not_of_a_daemon_fails_the_reload()
    {
        (string, string)[] cases =
            [("1", "process 1 (MAINPID)"), ("x", "MAINPID is \"x\""), ("2147483647", "process 2147483647 (MAINPID)")];
        foreach ((string pid, string problem) in cases)
        {
            if (pid == "1" && await ServesAsync(1))
                continue; // A real systemd listens on its own sockets.
            ToolResult refused = await Tool.RunAsync(["env", $"MAINPID={pid}", NativeBuild.Daemon, "--reload"]);
            Assert.Equal((1, ""), (refused.ExitCode, refused.Text));
            Assert.Contains(problem, refused.Error);
        }
    }

    /// <summary>/proc/net/unix prints names unescaped, and other users choose them: a name with a line end forges a line.</summary>
    [Fact(Timeout = Bound.Test)]
    public async Task No_socket_name_makes_a_reload_reach_another_daemon()
    {
        await using DaemonProcess daemon = await DaemonProcess.StartAsync();
        string[] line = (await File.ReadAllLinesAsync("/proc/net/unix"))
            .Select(static text => text.Split(' ', StringSplitOptions.RemoveEmptyEntries)).Single(words => words[^1] == daemon.Socket);

        // The kernel lists sockets by the last eight bits of the inodes of their files, mostly: some come before that of the daemon.
        string forged = $"0: 2 0 00010000 1 1 {line[6]} ";
        string folder = Directory.CreateDirectory(Path.Combine(daemon.Folder, $"x\n{forged}")).FullName;
        List<Socket> forgers = [];
        for (int i = 0; i < 512; i++)
        {
            var forger = new Socket(AddressFamily.Unix, System.Net.Sockets.SocketType.Stream, ProtocolType.Unspecified);
            forger.Bind(new UnixDomainSocketEndPoint(Path.Combine(folder, $"{i}")));
            forgers.Add(forger);
        }

        Assert.Contains($"{forged}/0", await File.ReadAllLinesAsync("/proc/net/unix"));
        ToolResult reloaded = await ReloadAsync(daemon);
        Assert.Equal((0, ""), (reloaded.ExitCode, reloaded.Error));
        forgers.ForEach(static forger => forger.Dispose());
        Assert.Equal(0, await daemon.StopAsync());
    }

    private static async Task<bool> ServesAsync(int pid) =>
        (await Tool.RunAsync(["readlink", $"/proc/{pid}/exe"])).Text.Contains("systemd", StringComparison.Ordinal);

    private static string ConfigurationOf(DaemonProcess daemon) => Path.Combine(daemon.Folder, "pipeforkas.json");

    private static Task WriteAsync(DaemonProcess daemon, JsonObject configuration) =>
        File.WriteAllTextAsync(ConfigurationOf(daemon), configuration.ToJsonString());

    private static Task<ToolResult> ReloadAsync(DaemonProcess daemon) =>
        Tool.RunAsync(["env", string.Create(CultureInfo.InvariantCulture, $"MAINPID={daemon.Pid}"), NativeBuild.Daemon, "--reload"]);

    private static Task<FramedReply> AskAsync(DaemonProcess daemon) =>
        RawClient.FramesAsync(daemon, """{"op":"reload","reply":"frames"}""");

    private static async Task<string> AskAsAliceAsync(DaemonProcess daemon) => (await Tool.RunAsAsync(
        TestUsers.Alice, ["socat", "-t", "30", "-", $"UNIX-CONNECT:{daemon.Socket}"], [.. """{"op":"reload"}"""u8, (byte)'\n'])).Text;
}
