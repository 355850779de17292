using System.Text;
using System.Text.Json.Nodes;
using PipeForkAs.EndToEnd.Harness;
using PipeForkAs.LibC;
using PipeForkAs.Protocol.Client;

namespace PipeForkAs.EndToEnd;

/// <summary>Tests that all three programs can start with descriptors 0, 1 and 2 closed.</summary>
public sealed class ClosedStreamsTests
{
    [Theory(Timeout = Bound.Test)]
    [InlineData("<&- >&- 2>&-")]
    [InlineData("<&-")]
    [InlineData("<&- >&-")]
    [InlineData(">&- 2>&-")]
    public async Task A_daemon_serves_with_any_of_its_standard_streams_closed(string closed)
    {
        (string folder, JsonObject configuration) = DaemonProcess.Prepare();
        configuration["Commands"]!["out"] = new JsonObject { ["Command"] = new JsonArray("/bin/sh", "-c", "echo out; echo err >&2; cat") };
        string program = Path.Combine(folder, "daemon");
        await File.WriteAllTextAsync(program, $"#!/bin/sh\nexec '{NativeBuild.Daemon}' \"$@\" {closed}\n");
        Libc.chmod(program, 0x1ED); // 0755
        await using DaemonProcess daemon = DaemonProcess.Launch(folder, configuration, program);
        await Bound.UntilAsync(() => daemon.HasEnded || File.Exists(daemon.Socket), () => "the daemon neither listens nor ends");
        Assert.False(daemon.HasEnded, $"the daemon ended: {daemon.Log}");

        FramedReply reply = await RawClient.RunAsync(daemon, "out", input: "in"u8.ToArray());
        Assert.Equal((ReplyCode.Ok, "out\nin", "err\n"), (reply.End.Code, reply.Text, Encoding.UTF8.GetString(reply.Stderr)));
        Assert.Equal("eggman", (await RawClient.RunAsync(daemon, "business-logic")).Text);
        for (int descriptor = 0; descriptor <= 2; descriptor++)
        {
            foreach (int process in new[] { daemon.Pid }.Concat(daemon.JobHosts))
                Assert.DoesNotContain("socket:", new FileInfo($"/proc/{process}/fd/{descriptor}").LinkTarget);
        }

        Assert.Equal(0, await daemon.StopAsync());
    }

    [Theory(Timeout = Bound.Test)]
    [InlineData("<&- >&- 2>&-", "")]
    [InlineData("<&- 2>&-", "eggman")]
    [InlineData("2>&-", "eggman")]
    [InlineData(">&-", "")]
    public async Task A_job_host_runs_a_job_by_hand_with_any_of_its_standard_streams_closed(string closed, string output)
    {
        ToolResult ran = await Tool.RunAsync(["/bin/sh", "-c", $"exec \"$0\" run business-logic {closed}", NativeBuild.StockJobs]);
        Assert.Equal((0, output), (ran.ExitCode, ran.Text));
    }

    [Fact(Timeout = Bound.Test)]
    public async Task The_command_runs_a_job_with_all_of_its_standard_streams_closed()
    {
        await using DaemonProcess daemon = await DaemonProcess.StartAsync();
        string file = Path.Combine(TestUsers.Entry(TestUsers.Alice).Home, "closed-streams");
        try
        {
            string script = $"\"$0\" --socket \"$1\" run --user {TestUsers.Alice} write-file path={file} <&- >&- 2>&-; echo $?";
            Assert.Equal("0\n", (await Tool.RunAsync(["/bin/sh", "-c", script, NativeBuild.Command, daemon.Socket])).Text);
            Assert.Equal("", await File.ReadAllTextAsync(file));
        }
        finally
        {
            File.Delete(file);
        }
    }
}
