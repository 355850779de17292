using System.Text.Json.Nodes;
using PipeForkAs.EndToEnd.Harness;

namespace PipeForkAs.EndToEnd;

/// <summary>Tests that jobs have the OOM score of their limits, independent of that of the daemon (OOMScoreAdjust= in its unit).</summary>
public sealed class OomScoreTests
{
    [Theory(Timeout = Bound.Test)]
    [InlineData("-500")]
    [InlineData("300")]
    public async Task A_job_neither_inherits_nor_can_restore_the_OOM_score_of_the_daemon(string score)
    {
        Assert.SkipWhen(
            score[0] == '-' && !HasSysResource(), "root lacks CAP_SYS_RESOURCE here: no process can be protected from the OOM killer");
        (string folder, JsonObject configuration) = DaemonProcess.Prepare();
        const string Spare = "cd /proc/self; cat oom_score_adj; echo -1 >oom_score_adj || echo refused";
        configuration["Commands"] = new JsonObject { ["spare"] = new JsonObject { ["Command"] = new JsonArray("/bin/sh", "-c", Spare) } };
        await using DaemonProcess daemon = await ApartDaemon.StartAsync(folder, configuration, $"score {score}");

        Assert.Equal($"{score}\n", await File.ReadAllTextAsync($"/proc/{daemon.Pid}/oom_score_adj"));
        if (score[0] == '-')
            Assert.All(daemon.JobHosts, host => Assert.Equal("0\n", File.ReadAllText($"/proc/{host}/oom_score_adj")));
        Assert.Equal("0\nrefused\n", (await RawClient.RunAsync(daemon, "spare")).Text);
        Assert.Equal(0, await daemon.StopAsync());
    }

    private static bool HasSysResource() => (Convert.ToUInt64(ProcFs.StatusField(Environment.ProcessId, "CapEff"), 16) & (1UL << 24)) != 0;
}
