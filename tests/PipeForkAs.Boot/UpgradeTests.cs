using System.Globalization;
using PipeForkAs.Boot.Harness;
using PipeForkAs.EndToEnd.Harness;
using PipeForkAs.Protocol.Client;

namespace PipeForkAs.Boot;

/// <summary>Tests reloads of a service whose executable was replaced.</summary>
public sealed class UpgradeTests(BootedSystem system)
{
    private const string Executable = "/usr/libexec/pipeforkas/pipeforkasd";

    private const string Kept = "/usr/libexec/pipeforkas/kept";

    private const string Configuration =
        """{"Commands":{"slow":{"Command":["/bin/sh","-c","sleep 8; echo """
        + """done"]},"slower":{"Command":["/bin/sleep","50"]}},"Limits":{"DrainTimeout":"00:01:00"}}""";

    private const string Groups = "/sys/fs/cgroup/system.slice/pipeforkas.service";

    [Fact(Timeout = Bound.Test)]
    public async Task Upgrades_refuse_no_request_and_a_broken_upgrade_fails_the_reload()
    {
        Container inside = await system.FreshAsync(Configuration);
        await inside.MustAsync("cp", "--remove-destination", Executable, Kept);
        var client = new PipeForkAsClient(inside.PathOf(BootedSystem.Socket));
        using var enough = new CancellationTokenSource();
        int answered = 0;
        Task[] crowd = [.. Enumerable.Range(0, 4).Select(_ => Task.Run(async () =>
        {
            while (!enough.IsCancellationRequested)
            {
                using var output = new MemoryStream();
                JobRequest request = new("id") { User = BootedSystem.Alice };
                Assert.Equal(ReplyCode.Ok, (await client.RunAsync(request, Stream.Null, output, Stream.Null)).Code);
                Interlocked.Increment(ref answered);
            }
        }))];
        Task<string> slow = system.AskAsync(BootedSystem.Alice, """{"job":"slow"}""");
        int main = await system.MainPidAsync();
        for (int upgrade = 0; upgrade < 5; upgrade++)
        {
            int seen = answered;
            await Bound.UntilAsync(() => answered > seen + 20, () => "there is no load");
            await ReplaceAsync(inside);
            await inside.MustAsync("systemctl", "reload", "pipeforkas.service");
            int now = await system.MainPidAsync();
            Assert.NotEqual(main, now);
            main = now;
        }

        await ReplaceAsync(inside, $"#!/bin/sh\n[ \"$1\" = --take-over ] && exit 3\nexec {Kept} \"$@\"\n");
        try
        {
            ToolResult refused = await inside.RunAsync("systemctl", "reload", "pipeforkas.service");
            Assert.NotEqual(0, refused.ExitCode);
            await system.UntilAsync(
                async () =>
                    (await system.JournalAsync()).Contains(
                        "the new daemon exited before it was ready; see the daemon's log", StringComparison.Ordinal),
                "the journal does not say why");
            Assert.Equal(main, await system.MainPidAsync());
        }
        finally
        {
            await ReplaceAsync(inside);
        }

        await enough.CancelAsync();
        await Task.WhenAll(crowd);
        Assert.Equal("done\n", await slow);

        // No former daemon is left, and a stop ends everything else.
        await system.UntilAsync(
            async () => (await inside.RunAsync("find", Groups, "-maxdepth", "1", "-name", "daemon*")).Text.Trim() == $"{Groups}/daemon-6",
            "groups of former daemons are left");
        Assert.Equal("active", await system.PropertyAsync("ActiveState"));
        Assert.Equal("0", await system.PropertyAsync("NRestarts"));
        await inside.MustAsync("systemctl", "stop", "pipeforkas.service");
        string result = await system.PropertyAsync("Result");
        Assert.True(result == "success", $"{result}:\n{await system.JournalAsync()}");
        Assert.Equal("", (await inside.RunAsync("pgrep", "pipeforkas")).Text);
    }

    [Fact(Timeout = Bound.Test)]
    public async Task A_new_daemon_that_dies_while_the_former_one_runs_is_restarted()
    {
        Container inside = await system.FreshAsync(Configuration);
        await inside.MustAsync("cp", "--remove-destination", Executable, Kept);
        Task<string> slow = system.AskAsync(BootedSystem.Alice, """{"job":"slower"}""");
        await system.UntilAsync(async () => await system.PropertyAsync("StatusText") is ['1', ..], "no job runs");
        await ReplaceAsync(inside);
        await inside.MustAsync("systemctl", "reload", "pipeforkas.service");
        int died = await system.MainPidAsync();
        await inside.MustAsync("kill", "-KILL", died.ToString(CultureInfo.InvariantCulture));
        await slow;
        await system.UntilAsync(
            async () => await system.PropertyAsync("NRestarts") == "1" && await system.PropertyAsync("ActiveState") == "active",
            "it is not restarted");
        Assert.Contains("(alice)", await system.AskAsync(BootedSystem.Alice, """{"job":"id"}"""));
    }

    /// <summary>Replaces the executable as a package does: by a script, or by the daemon itself.</summary>
    private static async Task ReplaceAsync(Container inside, string? script = null)
    {
        await inside.MustAsync("cp", Kept, $"{Executable}.new");
        if (script is not null)
            await File.WriteAllTextAsync(inside.PathOf($"{Executable}.new"), script);
        await inside.MustAsync("mv", $"{Executable}.new", Executable);
    }
}
