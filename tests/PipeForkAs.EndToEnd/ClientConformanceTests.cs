using System.Text.Json.Nodes;
using System.Text.RegularExpressions;
using PipeForkAs.EndToEnd.Harness;
using PipeForkAs.Tests;

namespace PipeForkAs.EndToEnd;

/// <summary>The clients of all languages with the same cases, against a real daemon and one that breaks the rules: tests/clients.</summary>
[Trait("Takes", "long")]
public sealed partial class ClientConformanceTests
{
    private static readonly TimeSpan Deadline = TimeSpan.FromMilliseconds(Bound.Test - 30_000);

    /// <summary>The names in tests/clients/clients.json.</summary>
    public static TheoryData<string> Clients =>
        [.. JsonNode.Parse(File.ReadAllText(Path.Combine(Folder, "clients.json")))!.AsObject().Select(client => client.Key)];

    /// <summary>Those that can use ssh.</summary>
    public static TheoryData<string> RemoteClients => ["command", "python", "python-async", "node", "dotnet"];

    private static string Folder { get; } = Path.Combine(Page.Root, "tests", "clients");

    [Theory(Timeout = Bound.Test)]
    [MemberData(nameof(Clients))]
    public async Task A_client_passes_every_case(string client)
    {
        string[] options = ["--native", NativeBuild.Folder, "--user", TestUsers.Alice, "--other", TestUsers.Bob];
        ToolResult played = await Tool.RunAsync(
            ["python3", Path.Combine(Folder, "conformance.py"), .. options, client], limit: Deadline);
        Assert.True(played.ExitCode == 0, played.Text + played.Error);
        Console.WriteLine($"measured: {played.Text.Split('\n').First(line => line.StartsWith($"{client}: ", StringComparison.Ordinal))}");
    }

    [Theory(Timeout = Bound.Test)]
    [MemberData(nameof(RemoteClients))]
    public async Task A_client_passes_every_case_that_does_not_need_root_through_ssh(string client)
    {
        await using DaemonProcess daemon = await DaemonProcess.StartAsync();
        await using SshServer server = await SshServer.StartAsync(daemon);
        string[] options = ["--native", NativeBuild.Folder, "--user", TestUsers.Bob, "--other", TestUsers.Alice];
        string path = $"PATH={server.Programs}:{Environment.GetEnvironmentVariable("PATH")}";
        ToolResult played = await Tool.RunAsync(
            ["env", path, "python3", Path.Combine(Folder, "conformance.py"), .. options, "--remote", "ssh://shared", client],
            limit: Deadline);
        Assert.True(played.ExitCode == 0, played.Text + played.Error);
        await Bound.UntilAsync(() => SshServer.Dials().Count == 0, () => "a dial process is left");
        string line = played.Text.Split('\n').First(line => line.StartsWith($"{client}: ", StringComparison.Ordinal));
        Console.WriteLine($"measured: by ssh, {line}");
    }

    [Fact(Timeout = Bound.Test)]
    public async Task The_files_threads_and_event_loop_of_the_Python_client_do_what_they_say()
    {
        ToolResult tested = await Tool.RunAsync(["python3", Path.Combine(Folder, "python", "test_client.py")], limit: Deadline);
        Assert.True(tested.ExitCode == 0, tested.Error);
    }

    [Fact(Timeout = Bound.Test)]
    public async Task The_examples_of_the_page_of_the_Python_client_run()
    {
        string source = Path.Combine(Page.Root, "src", "clients", "python");
        string page = await File.ReadAllTextAsync(Path.Combine(source, "README.md"));
        string[] lines =
        [
            .. from Match block in Example().Matches(page)
               from line in block.Groups[1].Value.Replace("alice", TestUsers.Alice, StringComparison.Ordinal).Split('\n')
               select $"    {line}",
        ];
        string program = $"import asyncio\nasync def main():\n{string.Join('\n', lines)}\nasyncio.run(main())\n";
        await using DaemonProcess daemon = await DaemonProcess.StartAsync(
            configuration => configuration["JobHosts"] = new JsonArray(new JsonObject { ["Path"] = NativeBuild.StockJobs }));
        await File.WriteAllTextAsync(Path.Combine(daemon.Folder, "notes.txt"), "notes\n");
        string written = Path.Combine(TestUsers.Entry(TestUsers.Alice).Home, "notes.txt");
        try
        {
            string[] environment = [$"PYTHONPATH={source}", "PYTHONDONTWRITEBYTECODE=1", $"PIPEFORKAS_SOCKET={daemon.Socket}"];
            ToolResult ran = await Tool.RunAsync(["env", "-C", daemon.Folder, .. environment, "python3", "-c", program]);
            Assert.Equal((0, ""), (ran.ExitCode, ran.Error));
            Assert.Equal("notes\n", await File.ReadAllTextAsync(written));
            Assert.StartsWith($"ok 0 uid={TestUsers.AliceUid}", ran.Text, StringComparison.Ordinal);
            Assert.Contains("\nb'one\\n'\nok\nstdout ", ran.Text, StringComparison.Ordinal);
            Assert.Contains("\nb'{", ran.Text, StringComparison.Ordinal);
        }
        finally
        {
            File.Delete(written);
        }
    }

    [Fact(Timeout = Bound.Test)]
    public async Task The_wheel_of_the_Python_client_has_its_types_and_is_the_same_each_time()
    {
        DirectoryInfo folder = Directory.CreateTempSubdirectory(Leftovers.OwnFolderPrefix);
        try
        {
            string[] wheels = [.. await Task.WhenAll(
                from name in new[] { "first", "second" } select PackAsync(Path.Combine(folder.FullName, name)))];
            Assert.Equal(await File.ReadAllBytesAsync(wheels[0]), await File.ReadAllBytesAsync(wheels[1]));
            string files = await Tool.MustAsync("python3", "-m", "zipfile", "-l", wheels[0]);
            Assert.All(["pipeforkas/__init__.py ", "pipeforkas/py.typed ", ".dist-info/LICENSE "], name => Assert.Contains(name, files));
        }
        finally
        {
            folder.Delete(recursive: true);
        }
    }

    [GeneratedRegex("(?ms)^```python\n(.*?)^```$")]
    private static partial Regex Example();

    private static async Task<string> PackAsync(string folder)
    {
        string printed = await Tool.MustAsync(Path.Combine(Page.Root, "packaging", "pack-python.sh"), folder);
        return printed.Split('\n', StringSplitOptions.RemoveEmptyEntries)[^1];
    }
}
