using System.Text.RegularExpressions;
using PipeForkAs.EndToEnd.Harness;
using PipeForkAs.Tests;

namespace PipeForkAs.EndToEnd;

/// <summary>Runs the programs and commands of the pages of the clients in other languages as the pages show them.</summary>
public sealed partial class ClientReadmeTests(ClientReadmeTests.SharedDaemon shared) : IClassFixture<ClientReadmeTests.SharedDaemon>
{
    private const string NodePage = "src/clients/node/README.md";
    private const string PhpPage = "src/clients/php/README.md";
    private const string ShellPage = "src/clients/shell/README.md";

    [Fact(Timeout = Bound.Test)]
    public async Task The_programs_for_Node_run_as_they_are_written()
    {
        using Project project = await Project.CreateAsync();
        Directory.CreateDirectory(project.PathOf("node_modules"));
        Directory.CreateSymbolicLink(project.PathOf("node_modules/pipeforkas"), Path.Combine(Page.Root, "src/clients/node"));
        string[] output = await RunAsync(project, Page.Examples(NodePage, "js"), ".mjs", "node");
        ExpectSameOutput(output, project);
    }

    [Fact(Timeout = Bound.Test)]
    public async Task The_programs_for_PHP_run_as_they_are_written()
    {
        using Project project = await Project.CreateAsync();
        File.Copy(Path.Combine(Page.Root, "src/clients/php/PipeForkAs.php"), project.PathOf("PipeForkAs.php"));

        // All warnings and notices are errors.
        string[] output = await RunAsync(
            project, Page.Examples(PhpPage, "php"), ".php", "php", "-d", "error_reporting=-1", "-d", "display_errors=stderr");
        ExpectSameOutput(output, project);
    }

    [Fact(Timeout = Bound.Test)]
    public async Task The_tarball_for_Node_is_packed_and_installed_by_the_commands_of_the_page()
    {
        if (!IsThere("npm"))
            Assert.Skip("npm is not installed: apt-get install npm");
        using Project project = await Project.CreateAsync();
        string[] commands = Page.Commands(NodePage);
        Assert.Equal(2, commands.Length);
        string folder = project.PathOf("packages"), again = project.PathOf("again");
        foreach (string place in new[] { folder, again })
        {
            await project.MustAsync("bash", "-c", commands[0].Replace("packaging/", $"{Page.Root}/packaging/", StringComparison.Ordinal)
                .Replace("artifacts/packages", place, StringComparison.Ordinal));
        }

        string tarball = $"pipeforkas-{Version()}.tgz";
        Assert.Equal(
            await File.ReadAllBytesAsync(Path.Combine(folder, tarball)), await File.ReadAllBytesAsync(Path.Combine(again, tarball)));
        await File.WriteAllTextAsync(project.PathOf("package.json"), """{ "private": true }""", TestContext.Current.CancellationToken);
        await project.MustAsync("bash", "-c", commands[1].Replace("./artifacts/packages", folder, StringComparison.Ordinal));

        // Both entries, the version, and everything that the page or a compiler of TypeScript needs.
        string installed = project.PathOf("node_modules/pipeforkas");
        Assert.Equal(
            ["LICENSE", "README.md", "index.d.mts", "index.d.ts", "index.js", "index.mjs", "lib", "package.json"],
            Directory.EnumerateFileSystemEntries(installed).Select(Path.GetFileName).Order(StringComparer.Ordinal));
        const string Both = "const a = require('pipeforkas'); import('pipeforkas').then(b => console.log("
            + "Object.keys(a).every(name => a[name] === b[name]), require('pipeforkas/package.json').version))";
        ToolResult result = await project.MustAsync("node", "-e", Both);
        Assert.Equal($"true {Version()}\n", result.Text);
    }

    [Fact(Timeout = Bound.Test)]
    public async Task The_commands_for_the_shell_run_as_they_are_written()
    {
        string[] commands = Page.Commands(ShellPage);
        Assert.True(commands.Length >= 14, string.Join('\n', commands));
        await File.WriteAllTextAsync(Notes, "first\nsecond\n", TestContext.Current.CancellationToken);
        await Tool.MustAsync("chown", $"{TestUsers.Alice}:", Notes);
        var outputs = new Dictionary<string, string>();
        foreach (string command in commands)
        {
            // A pipe succeeds only if all of its programs do: socat and nc must, whatever the job did.
            ToolResult ran = await AsAliceAsync(Path.GetDirectoryName(Notes)!, "bash", "-o", "pipefail", "-c", Fill(command));
            Assert.True(ran.ExitCode == 0, $"{command}: {ran.ExitCode}: {ran.Error}{ran.Text}");
            outputs[command] = ran.Text;
        }

        // Each claim of the page that a command shows.
        string identity = outputs["pipeforkas run id"];
        Assert.Contains($"({TestUsers.Alice})", identity, StringComparison.Ordinal);
        Assert.Equal(2, outputs.Count(entry => IsPlainId().IsMatch(entry.Key) && entry.Value == identity));
        Assert.Equal("exit status 1\n", outputs.Single(entry => entry.Key.Contains("no-such-file", StringComparison.Ordinal)).Value);
        Assert.Equal("first\nsecond\n", outputs.Single(entry => entry.Key.StartsWith("while read", StringComparison.Ordinal)).Value);
        Assert.Equal("first\nsecond\n", outputs.Single(entry => entry.Key.Contains("\"cat\"", StringComparison.Ordinal)).Value);
        Assert.Equal("\"code\":\"ok\"\n", outputs.Single(entry => entry.Key.Contains("\"code\"", StringComparison.Ordinal)).Value);
        Assert.Equal(2, outputs.Count(entry => entry.Value.StartsWith(" 01 00 00 00 ", StringComparison.Ordinal)));
    }

    [Theory(Timeout = Bound.Test)]
    [InlineData("socat -t 30 - UNIX:/run/pipeforkas/pipeforkas.sock")]
    [InlineData("nc -N -U /run/pipeforkas/pipeforkas.sock")]
    public async Task A_program_that_only_copies_ends_with_0_whatever_the_job_did(string program)
    {
        ToolResult ran = await AsAliceAsync("/", "bash", "-c", Fill($$"""echo '{"job":"no-such-job"}' | {{program}}"""));
        Assert.Equal(0, ran.ExitCode);
        Assert.StartsWith("pipeforkas: unknown-job: ", ran.Text, StringComparison.Ordinal);
    }

    private static string Notes => Path.Combine(TestUsers.Entry(TestUsers.Alice).Home, "notes.txt");

    /// <summary>Runs programs one after the other as alice, and returns their outputs.</summary>
    private async Task<string[]> RunAsync(Project project, string[] programs, string ending, params string[] interpreter)
    {
        var outputs = new List<string>();
        for (int number = 0; number < programs.Length; number++)
        {
            string file = project.PathOf($"{number}{ending}");
            await File.WriteAllTextAsync(file, Fill(programs[number]), TestContext.Current.CancellationToken);
            ToolResult ran = await AsAliceAsync(project.Folder, [.. interpreter, file]);
            Assert.True(ran.ExitCode == 0 && ran.Error.Length == 0, $"{file}: {ran.ExitCode}: {ran.Error}{ran.Text}");
            outputs.Add(ran.Text);
        }

        return [.. outputs];
    }

    /// <summary>Replaces what is otherwise here: the user and the socket.</summary>
    private string Fill(string text) => text.Replace("alice", TestUsers.Alice, StringComparison.Ordinal)
        .Replace("/run/pipeforkas/pipeforkas.sock", shared.Daemon.Socket, StringComparison.Ordinal);

    private Task<ToolResult> AsAliceAsync(string folder, params string[] command) => Tool.RunAsAsync(
        TestUsers.Alice,
        [
            "env", "-C", folder, $"PATH={NativeBuild.Folder}:{Environment.GetEnvironmentVariable("PATH")}",
            $"PIPEFORKAS_SOCKET={shared.Daemon.Socket}", .. command,
        ]);

    /// <summary>The pages of both languages have the same four programs, with the same effects.</summary>
    private static void ExpectSameOutput(string[] output, Project project)
    {
        Assert.Equal(4, output.Length);
        Assert.Contains($"({TestUsers.Alice})", output[0], StringComparison.Ordinal);
        Assert.Equal("buy milk\n", File.ReadAllText(Notes));
        Assert.Contains("error", output[1], StringComparison.Ordinal);
        Assert.Contains("not-found", output[1], StringComparison.Ordinal);
        Assert.Contains("the job read-file did not succeed (error): ", output[1], StringComparison.Ordinal);
        Assert.NotEmpty(File.ReadAllText(project.PathOf("copy.txt")));
        Assert.Contains("read-file", output[3], StringComparison.Ordinal);
        Assert.Contains("path", output[3], StringComparison.Ordinal);
        Assert.Contains("true", output[3], StringComparison.Ordinal);
    }

    private static string Version() =>
        VersionElement().Match(File.ReadAllText(Path.Combine(Page.Root, "Directory.Build.props"))).Groups[1].Value;

    private static bool IsThere(string program) =>
        (Environment.GetEnvironmentVariable("PATH") ?? "").Split(':').Any(folder => File.Exists(Path.Combine(folder, program)));

    [GeneratedRegex("<Version>(.*)</Version>")]
    private static partial Regex VersionElement();

    [GeneratedRegex("""^echo '\{"job":"id"\}' """)]
    private static partial Regex IsPlainId();

    /// <summary>A folder of alice's for programs, which is gone afterwards.</summary>
    private sealed class Project : IDisposable
    {
        public string Folder { get; } = Directory.CreateTempSubdirectory(Leftovers.OwnFolderPrefix).FullName;

        public static async Task<Project> CreateAsync()
        {
            var project = new Project();
            await Tool.MustAsync("chmod", "755", project.Folder);
            await Tool.MustAsync("chown", $"{TestUsers.Alice}:", project.Folder);
            return project;
        }

        public string PathOf(string name) => Path.Combine(Folder, name);

        /// <summary>Runs a program as root in the folder; it must succeed.</summary>
        public async Task<ToolResult> MustAsync(params string[] command)
        {
            string[] settings = [$"npm_config_cache={PathOf("cache")}", "npm_config_offline=true", "npm_config_update_notifier=false"];
            ToolResult ran = await Tool.RunAsync(["env", "-C", Folder, .. settings, .. command]);
            Assert.True(ran.ExitCode == 0, $"{string.Join(' ', command)}: {ran.ExitCode}: {ran.Error}{ran.Text}");
            return ran;
        }

        public void Dispose() => Directory.Delete(Folder, recursive: true);
    }

    /// <summary>A daemon with the stock jobs.</summary>
    public sealed class SharedDaemon : ConfiguredDaemon;
}
