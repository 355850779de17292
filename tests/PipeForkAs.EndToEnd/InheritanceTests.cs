using System.Text.Json.Nodes;
using PipeForkAs.EndToEnd.Harness;
using PipeForkAs.Protocol.Client;

namespace PipeForkAs.EndToEnd;

/// <summary>
/// Tests that what the daemon inherited (open files, groups, variables, a terminal) reaches no job. Each test first checks that the daemon
/// has it, so that its absence from the job is meaningful.
/// </summary>
public sealed class InheritanceTests : IAsyncLifetime
{
    private const uint Group = 3_987_654;
    private const int ENXIO = 6, ENOTTY = 25;
    private DaemonProcess daemon = null!;

    private string Secret => Path.Combine(daemon.Folder, "secret");

    public async ValueTask InitializeAsync()
    {
        (string folder, JsonObject configuration) = DaemonProcess.Prepare();
        string reach = Path.Combine(folder, "reach");
        await CProgram.BuildAsync(Path.Combine(AppContext.BaseDirectory, "Hostile", "reach.c"), reach, "-pthread");
        await File.WriteAllTextAsync(Path.Combine(folder, "secret"), "secret");
        configuration["Commands"] = new JsonObject
        {
            ["show-descriptors"] =
                new JsonObject
                {
                    ["Command"] = new JsonArray(
                    "/bin/sh", "-c", "for fd in /proc/$$/fd/*; do echo \"${fd##*/} $(readlink $fd)\"; done")
                },
            ["show-environment"] = new JsonObject { ["Command"] = new JsonArray("/usr/bin/env") },
            ["reach-terminal"] = new JsonObject { ["Command"] = new JsonArray(reach, "tiocsti", "read:/dev/tty") },
        };
        daemon = await ApartDaemon.StartAsync(
            folder, configuration, $"keep {Path.Combine(folder, "secret")}", $"group {Group}", "terminal now",
            "set LD_LIBRARY_PATH=/nowhere", "set BASH_ENV=/nowhere", "set GCONV_PATH=/nowhere", "set DOTNET_gcServer=0",
            "set SECRET=secret", "set IFS=x");
    }

    public async ValueTask DisposeAsync()
    {
        await using (daemon)
            Assert.Equal(0, await daemon.StopAsync());
    }

    [Fact(Timeout = Bound.Test)]
    public async Task No_descriptor_of_the_daemon_is_open_in_a_job()
    {
        Assert.Contains(Secret, Directory.GetFileSystemEntries($"/proc/{daemon.Pid}/fd").Select(path => new FileInfo(path).LinkTarget));

        JsonNode self = JsonNode.Parse((await RawClient.RunAsync(daemon, "self")).Text)!;
        Assert.Equal(["0", "1", "2", "3"], ((JsonObject)self["descriptors"]!).Select(pair => pair.Key).Order(StringComparer.Ordinal));
        Assert.Equal("socket", self["descriptors"]!["3"]!.GetValue<string>().Split(':')[0]);

        string[] command = (await RawClient.RunAsync(daemon, "show-descriptors")).Text.Split('\n', StringSplitOptions.RemoveEmptyEntries);
        Assert.All(command.Where(line => line[0] is '0' or '1' or '2' && line[1] == ' '), line => Assert.Contains(" pipe:", line));
        Assert.DoesNotContain(command, line => line.Contains("secret", StringComparison.Ordinal));
        Assert.DoesNotContain(command, line => line.Contains("socket:", StringComparison.Ordinal));
    }

    [Fact(Timeout = Bound.Test)]
    public async Task A_job_has_no_group_of_the_daemon()
    {
        Assert.Equal($"{Group}", ProcFs.StatusField(daemon.Pid, "Groups"));
        foreach (string user in new[] { TestUsers.Alice, TestUsers.Bob })
        {
            FramedReply reply = await RawClient.RunAsync(daemon, "id", user: user);
            Assert.Equal(await Tool.MustAsync("id", user), reply.Text);
            Assert.DoesNotContain($"{Group}", reply.Text);
        }
    }

    [Fact(Timeout = Bound.Test)]
    public async Task A_job_has_no_variable_of_the_daemon()
    {
        Assert.Contains("GCONV_PATH=/nowhere", await File.ReadAllTextAsync($"/proc/{daemon.Pid}/environ"));
        string[] expected = ["HOME", "LANG", "LOGNAME", "PATH", "SHELL", "USER"];
        FramedReply command = await RawClient.RunAsync(daemon, "show-environment");
        Assert.Equal(
            expected,
            command.Text.Split('\n', StringSplitOptions.RemoveEmptyEntries).Select(line => line.Split('=')[0]).Order(
                StringComparer.Ordinal));
        JsonNode self = JsonNode.Parse((await RawClient.RunAsync(daemon, "self")).Text)!;
        Assert.Equal(expected, ((JsonObject)self["environment"]!).Select(pair => pair.Key).Order(StringComparer.Ordinal));
    }

    /// <summary>A daemon that was started by hand has a terminal, into which TIOCSTI would type; ioctl_tty(2).</summary>
    [Fact(Timeout = Bound.Test)]
    public async Task A_job_cannot_write_to_the_terminal_of_the_daemon()
    {
        Assert.NotEqual("0", ProcFs.StatFields(daemon.Pid)[4]);
        FramedReply reply = await RawClient.RunAsync(daemon, "reach-terminal");
        Assert.Equal($"tiocsti {ENOTTY}\nread:/dev/tty {ENXIO}\n", reply.Text);
        JsonNode self = JsonNode.Parse((await RawClient.RunAsync(daemon, "self")).Text)!;
        Assert.All(["0", "1", "2"], number => Assert.StartsWith("socket:", self["descriptors"]![number]!.GetValue<string>()));
    }
}
