using System.Security.Cryptography;
using System.Text.Json.Nodes;
using PipeForkAs.EndToEnd.Harness;

namespace PipeForkAs.EndToEnd;

/// <summary>A daemon whose commands are the remote ends of programs that communicate over a pair of pipes.</summary>
public sealed class TransportDaemon : ConfiguredDaemon
{
    protected override void Configure(JsonObject configuration)
    {
        var commands = (JsonObject)configuration["Commands"]!;
        commands["git-upload-pack"] = Command(["/usr/bin/git-upload-pack", "{folder}"], "folder:string");
        commands["git-receive-pack"] = Command(["/usr/bin/git-receive-pack", "{folder}"], "folder:string");
        commands["sftp"] = Command(["/usr/lib/openssh/sftp-server"]);
        string[] parameters = ["flags:string", "folder:string"];
        commands["rsync-sender"] = Command(["/usr/bin/rsync", "--server", "--sender", "{flags}", ".", "{folder}"], parameters);
        commands["rsync-receiver"] = Command(["/usr/bin/rsync", "--server", "{flags}", ".", "{folder}"], parameters);
        foreach (string job in new[] { "rsync-sender", "rsync-receiver" })
            commands[job]!["Parameters"]!["flags"]!["AllowLeadingDash"] = true;
    }
}

/// <summary>Tests that programs with a protocol on their standard streams work through command jobs, with every byte unchanged.</summary>
public sealed class TransportTests(TransportDaemon shared) : IClassFixture<TransportDaemon>, IAsyncDisposable
{
    private const int Size = 20_000_000;

    /// <summary>Files of root, at the local end.</summary>
    private readonly string near = Directory.CreateTempSubdirectory(Leftovers.OwnFolderPrefix).FullName;

    private string Run => $"{NativeBuild.Command} --socket {shared.Daemon.Socket} run --user {TestUsers.Alice}";

    private static string Home => TestUsers.Entry(TestUsers.Alice).Home;

    public ValueTask DisposeAsync()
    {
        Directory.Delete(near, recursive: true);
        return ValueTask.CompletedTask;
    }

    [Fact(Timeout = Bound.Test)]
    public async Task Git_clones_and_pushes_through_a_job()
    {
        string far = Path.Combine(Home, "far.git"), clone = Path.Combine(near, "clone"), again = Path.Combine(near, "again");
        await AsAliceAsync("git", "init", "-q", "--bare", "-b", "main", far);
        string url = $"ext::{Run} %S folder={far}";

        await GitAsync("clone", "-q", url, clone);
        byte[] noise = await NoiseAsync(Path.Combine(clone, "noise"));
        await GitAsync("-C", clone, "add", "noise");
        await GitAsync("-C", clone, "commit", "-q", "-m", "noise");
        await GitAsync("-C", clone, "push", "-q", "origin", "HEAD:main");
        await AsAliceAsync("git", "-C", far, "fsck", "--strict");
        await GitAsync("clone", "-q", "-b", "main", url, again);

        Assert.Equal(noise, await HashAsync(Path.Combine(again, "noise")));
    }

    [Fact(Timeout = Bound.Test)]
    public async Task Sftp_puts_and_gets_files_through_a_job()
    {
        string far = Path.Combine(Home, "put"), back = Path.Combine(near, "back"), batch = Path.Combine(near, "batch");
        string start = await ScriptAsync("start", $"exec {Run} sftp");
        byte[] noise = await NoiseAsync(Path.Combine(near, "noise"));
        await File.WriteAllTextAsync(batch, $"put {near}/noise {far}\nget {far} {back}\nrm {far}\n");

        await Tool.MustAsync("sftp", "-q", "-b", batch, "-D", start);

        Assert.Equal(noise, await HashAsync(back));
        Assert.False(File.Exists(far));
    }

    [Fact(Timeout = Bound.Test)]
    public async Task Rsync_sends_and_receives_files_through_a_job()
    {
        string far = Path.Combine(Home, "far"), from = Path.Combine(near, "from"), back = Path.Combine(near, "back");
        Directory.CreateDirectory(from);
        byte[] noise = await NoiseAsync(Path.Combine(from, "noise"));
        await File.WriteAllTextAsync(Path.Combine(from, "text"), "text\n");

        // The arguments of a remote shell: the host, rsync --server [--sender] FLAGS . FOLDER.
        string send = $"exec {Run} rsync-sender flags=\"$5\" folder=\"$7\"";
        string receive = $"exec {Run} rsync-receiver flags=\"$4\" folder=\"$6\"";
        string shell = await ScriptAsync("shell", $"if [ \"$4\" = --sender ]; then {send}; else {receive}; fi");
        await Tool.MustAsync("rsync", "-rt", "-e", shell, $"{from}/", $"far:{far}/");
        await Tool.MustAsync("rsync", "-rt", "-e", shell, $"far:{far}/", $"{back}/");

        Assert.Equal(noise, await HashAsync(Path.Combine(back, "noise")));
        Assert.Equal("text\n", await File.ReadAllTextAsync(Path.Combine(back, "text")));
    }

    private static async Task<byte[]> NoiseAsync(string path)
    {
        byte[] noise = RandomNumberGenerator.GetBytes(Size);
        await File.WriteAllBytesAsync(path, noise);
        return SHA256.HashData(noise);
    }

    private static async Task<byte[]> HashAsync(string path)
    {
        await using FileStream file = File.OpenRead(path);
        return await SHA256.HashDataAsync(file);
    }

    private static async Task AsAliceAsync(params string[] command)
    {
        ToolResult result = await Tool.RunAsAsync(TestUsers.Alice, command);
        Assert.True(result.ExitCode == 0, $"{string.Join(' ', command)}: exit {result.ExitCode}: {result.Error}");
    }

    private static Task<string> GitAsync(params string[] command) => Tool.MustAsync(
        ["git", "-c", "protocol.ext.allow=always", "-c", "user.name=a", "-c", "user.email=a@example.org", .. command]);

    private async Task<string> ScriptAsync(string name, string line)
    {
        string path = Path.Combine(near, name);
        await File.WriteAllTextAsync(path, $"#!/bin/sh\n{line}\n");
        File.SetUnixFileMode(path, UnixFileMode.UserRead | UnixFileMode.UserExecute);
        return path;
    }
}
