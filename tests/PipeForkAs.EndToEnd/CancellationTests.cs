using System.Diagnostics;
using System.Net.Sockets;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using PipeForkAs.EndToEnd.Harness;
using PipeForkAs.LibC;
using PipeForkAs.Protocol.Client;

namespace PipeForkAs.EndToEnd;

/// <summary>A daemon with a grace period so long that a killed job can be distinguished from one that ended.</summary>
public sealed class CancellationDaemon : ConfiguredDaemon
{
    protected override void Configure(JsonObject configuration)
    {
        configuration["Limits"]!["KillGrace"] = "00:00:20";
        configuration["JobHosts"] = new JsonArray(
            new JsonObject { ["Path"] = NativeBuild.TestJobs, ["Workers"] = 1 },
            new JsonObject { ["Path"] = NativeBuild.ReadmeJobs, ["Workers"] = 1 });
    }
}

/// <summary>Tests that a cancelled job ends by itself, before it is killed.</summary>
public sealed class CancellationTests(CancellationDaemon shared) : IClassFixture<CancellationDaemon>
{
    private readonly DaemonProcess daemon = shared.Daemon;

    [Theory(Timeout = Bound.Test)]
    [InlineData("read")]
    [InlineData("read-async")]
    [InlineData("write")]
    [InlineData("write-async")]
    [InlineData("process")]
    public async Task A_job_that_waits_for_its_client_or_a_process_ends_when_it_is_cancelled(string how)
    {
        using Socket client = await AskAsync($$"""{"job":"wait","user":"{{TestUsers.Alice}}","args":{"how":"{{how}}"},"reply":"frames"}""");
        RunningJobStatus job = await ReadyAsync(client, "wait");
        await CatchesSigtermAsync(job);

        Assert.Equal("", await RawClient.TextAsync(daemon, $$"""{"op":"cancel","id":{{job.Id}}}"""));

        EndRecord end = FramedReply.Parse(await RawClient.ReadToEndAsync(client)).End;
        Assert.Equal((ReplyCode.Cancelled, 43, null), (end.Code, end.Exit, end.Signal));
    }

    [Fact(Timeout = Bound.Test)]
    public async Task The_streaming_job_of_the_readme_ends_when_it_is_cancelled()
    {
        using Socket client = await AskAsync($$"""{"job":"upper","user":"{{TestUsers.Alice}}","reply":"frames"}""", "one\n");
        RunningJobStatus job = await RunningAsync("upper");
        await CatchesSigtermAsync(job);

        Assert.Equal("", await RawClient.TextAsync(daemon, $$"""{"op":"cancel","id":{{job.Id}}}"""));

        FramedReply reply = FramedReply.Parse(await RawClient.ReadToEndAsync(client));
        Assert.Equal((ReplyCode.Cancelled, null), (reply.End.Code, reply.End.Signal));
    }

    [Fact(Timeout = Bound.Test)]
    public async Task The_streaming_job_of_the_readme_ends_when_the_reader_of_the_command_closes()
    {
        string command = $"{NativeBuild.Command} --socket {daemon.Socket} run --user {TestUsers.Alice} upper";
        using Process shell = Process.Start("/bin/bash", ["-c", $"(sleep 1; seq 200000; exec sleep 60) | {command} | head -1 >/dev/null"]);
        try
        {
            RunningJobStatus job = await RunningAsync("upper");
            string? record = null;
            await Bound.UntilAsync(
                () => (record = daemon.Log.Split('\n').FirstOrDefault(
                    line => line.Contains($"worker_pid={job.Pid}", StringComparison.Ordinal))) is not null,
                () => "the job does not end");
            Assert.Contains("code=cancelled", record, StringComparison.Ordinal);
            Assert.DoesNotContain("signal=", record, StringComparison.Ordinal);
        }
        finally
        {
            shell.Kill(entireProcessTree: true);
            await shell.WaitForExitAsync();
        }
    }

    private async Task<Socket> AskAsync(string request, string input = "")
    {
        Socket client = await RawClient.ConnectAsync(daemon);
        await client.SendAsync(Encoding.UTF8.GetBytes($"{request}\n{input}"));
        return client;
    }

    private async Task<RunningJobStatus> ReadyAsync(Socket client, string job)
    {
        byte[] peeked = new byte[8 + 6];
        await Bound.UntilAsync(() => client.Receive(peeked, SocketFlags.Peek) == peeked.Length, () => "the job is not ready");
        return await RunningAsync(job);
    }

    /// <summary>A job that has not read its token yet is terminated by SIGTERM.</summary>
    private static Task CatchesSigtermAsync(RunningJobStatus job) =>
        Bound.UntilAsync(() => ProcFs.Catches(job.Pid, Signal.SIGTERM), () => "the job does not read its token");

    private async Task<RunningJobStatus> RunningAsync(string name)
    {
        while (true)
        {
            FramedReply reply = await RawClient.FramesAsync(daemon, """{"op":"status","reply":"frames"}""");
            if (JsonSerializer.Deserialize(reply.Text, DaemonStatusJson.Default.DaemonStatus)!.Jobs.FirstOrDefault(
                job => job.Job == name) is { } found)
                return found;
            await Task.Delay(20);
        }
    }
}
