using System.Globalization;
using System.Net.Sockets;
using System.Text.Json.Nodes;
using PipeForkAs.EndToEnd.Harness;

namespace PipeForkAs.EndToEnd;

/// <summary>Tests the completions of the shells for a line, with a running daemon; Completion/complete.* run the shells.</summary>
public sealed class CompletionTests
{
    public static TheoryData<string> Shells => ["bash", "zsh", "fish"];

    private static string Folder { get; } = Find();

    [Theory(Timeout = Bound.Test)]
    [MemberData(nameof(Shells))]
    public async Task Commands_options_jobs_and_parameters_are_offered(string shell)
    {
        await using DaemonProcess daemon = await DaemonProcess.StartAsync();
        Assert.Equal(
            ["cancel", "check", "describe", "dial", "list", "run", "sign-in", "sign-out", "status"],
            await OfferedAsync(daemon, shell, "pipeforkas "));
        Assert.Equal(
            ["--json", "--prometheus"],
            (await OfferedAsync(daemon, shell, "pipeforkas status --")).Where(word => word is "--json" or "--prometheus" or "--frames"));
        foreach (string before in new[] { "run ", "describe ", "check ", "run --user root ", "run -t 5 " })
            Assert.Equal(["echo"], await OfferedAsync(daemon, shell, $"pipeforkas {before}ec"));
        Assert.Equal(["mode", "path", "pathBytes", "size"], await OfferedAsync(daemon, shell, "pipeforkas run write-file "));
        Assert.Equal(["mode"], await OfferedAsync(daemon, shell, "pipeforkas check --caller root write-file m"));
        Assert.Equal(["root"], await OfferedAsync(daemon, shell, "pipeforkas run --user roo"));
    }

    [Theory(Timeout = Bound.Test)]
    [MemberData(nameof(Shells))]
    public async Task Completion_uses_the_socket_in_the_line(string shell)
    {
        await using DaemonProcess daemon = await DaemonProcess.StartAsync();
        Assert.Equal(["echo"], await OfferedAsync(daemon, shell, $"pipeforkas --socket {daemon.Socket} run ec", socket: "/nowhere"));
        Assert.Empty(await OfferedAsync(daemon, shell, "pipeforkas --socket /nowhere run ec"));
    }

    [Theory(Timeout = Bound.Test)]
    [MemberData(nameof(Shells))]
    public async Task Completion_asks_the_host_in_the_line_and_never_for_a_password(string shell)
    {
        await using DaemonProcess daemon = await DaemonProcess.StartAsync();
        await using SshServer server = await SshServer.StartAsync(daemon, settings: "PasswordAuthentication yes");
        foreach (string host in new[] { "-H there", "--host shared" })
        {
            Assert.Equal(
                ["echo"], await OfferedAsync(daemon, shell, $"pipeforkas {host} run ec", TestUsers.Alice, socket: "/nowhere"));
        }

        // sshd knows no key of this account, and ssh would ask for its password.
        Assert.Empty(await OfferedAsync(daemon, shell, "pipeforkas -H pfa-nobody@there run ec", TestUsers.Alice));
    }

    [Theory(Timeout = Bound.Test)]
    [MemberData(nameof(Shells))]
    public async Task Completion_offers_only_jobs_that_the_caller_may_run_or_cancel(string shell)
    {
        await using DaemonProcess daemon = await DaemonProcess.StartAsync(c => c["Policy"] = new JsonObject
        {
            ["Rules"] = JsonNode.Parse($$"""
                [ { "Name": "r", "Callers": [ "root" ], "Jobs": [ "*" ], "As": [ "*" ] },
                  { "Name": "a", "Callers": [ "{{TestUsers.Alice}}" ], "Jobs": [ "echo" ], "As": [ "self" ] } ]
                """),
        });
        using Socket client = await Crowd.SendAsync(daemon, $$$"""{"job":"graceful","user":"{{{TestUsers.Alice}}}"}""");
        await Crowd.WaitForAsync(client, "ready");
        long id = Assert.Single((await new Client.PipeForkAsClient(daemon.Socket).StatusAsync(CancellationToken.None)).Jobs).Id;

        Assert.Equal(["echo"], await OfferedAsync(daemon, shell, "pipeforkas run ", TestUsers.Alice));
        Assert.True((await OfferedAsync(daemon, shell, "pipeforkas run ")).Count > 10);
        Assert.Empty(await OfferedAsync(daemon, shell, "pipeforkas cancel ", TestUsers.Alice));
        Assert.Equal([id.ToString(CultureInfo.InvariantCulture)], await OfferedAsync(daemon, shell, "pipeforkas cancel "));
    }

    [Fact(Timeout = Bound.Test)]
    public async Task Bash_offers_values_of_short_lists_and_files_otherwise()
    {
        await using DaemonProcess daemon = await DaemonProcess.StartAsync();
        Assert.Equal(["false", "true"], await OfferedAsync(daemon, "bash", "pipeforkas run typed-all flag="));
        Assert.Equal(["Blue", "Green", "Red"], await OfferedAsync(daemon, "bash", "pipeforkas run typed-all colour="));
        Assert.Equal(
            ["/etc/passwd", "/etc/passwd-"],
            (await OfferedAsync(daemon, "bash", "pipeforkas run read-file path=/etc/passw")).Append("/etc/passwd-").Distinct());
    }

    /// <summary>The completions, each once and in order, without the '=' that may follow a parameter.</summary>
    private static async Task<IReadOnlyList<string>> OfferedAsync(
        DaemonProcess daemon, string shell, string line, string user = "root", string? socket = null)
    {
        Assert.SkipUnless(File.Exists($"/usr/bin/{shell}"), $"{shell} is not installed, and so cannot be asked what it offers");
        string scripts = Scripts(daemon);
        ToolResult offered = await Tool.RunAsync(
        [
            "runuser", "-u", user, "--", "env", "-C", "/", $"PATH={NativeBuild.Folder}:/usr/bin:/bin",
                $"HOME={(user == "root" ? daemon.Folder : TestUsers.Entry(user).Home)}", "TERM=dumb",
            $"PIPEFORKAS_SOCKET={socket ?? daemon.Socket}", shell,
                .. (string[])(shell switch { "zsh" => ["-f"], "fish" => ["--no-config", "--private"], _ => [] }),
            Path.Combine(scripts, $"complete.{shell}"), scripts, line,
        ]);
        Assert.Equal((0, ""), (offered.ExitCode, offered.Error));
        return [.. offered.Text.Split('\n', StringSplitOptions.RemoveEmptyEntries).Select(
            word => word.TrimEnd('=', ' ')).Distinct().Order(StringComparer.Ordinal)];
    }

    /// <summary>The scripts in a place where every user can read them.</summary>
    private static string Scripts(DaemonProcess daemon)
    {
        string folder = Path.Combine(daemon.Folder, "completion");
        if (Directory.Exists(folder))
            return folder;
        Directory.CreateDirectory(folder);
        foreach (string file in Directory.GetFiles(Path.Combine(AppContext.BaseDirectory, "Completion")).Concat(Directory.GetFiles(Folder)))
            File.Copy(file, Path.Combine(folder, Path.GetFileName(file)));
        return folder;
    }

    private static string Find()
    {
        string? root = AppContext.BaseDirectory;
        while (root is not null && !File.Exists(Path.Combine(root, "PipeForkAs.sln")))
            root = Path.GetDirectoryName(root);
        return Path.Combine(
            root ?? throw new InvalidOperationException($"no PipeForkAs.sln above {AppContext.BaseDirectory}"), "packaging", "completions");
    }
}
