using System.Diagnostics;
using System.Net.Sockets;
using System.Text;
using PipeForkAs.EndToEnd.Harness;
using PipeForkAs.Protocol.Client;

namespace PipeForkAs.EndToEnd;

[Trait("Takes", "long")]
public sealed class DisconnectTests
{
    private const int MemoryMargin = 6 * 1024 * 1024;

    [Fact(Timeout = Bound.Test)]
    public async Task A_thousand_clients_killed_in_mid_stream_leave_nothing_behind()
    {
        await using DaemonProcess daemon = await DaemonProcess.StartAsync(
            c => (c["Limits"]!["MaxJobs"], c["Limits"]!["MaxJobsPerUid"]) = (1000, 1000));
        // The garbage collector uses some 20 MiB before it collects (DOTNET_GCgen0size), and then no more.
        for (int i = 0; i < 5; i++)
            await KillAsync(daemon, 1000);
        await Task.Delay(2000);
        Footprint before = await Footprint.AtRestAsync(daemon);

        await KillAsync(daemon, 1000);
        var watch = Stopwatch.StartNew();
        await before.RestoredAsync(daemon, TimeSpan.FromSeconds(10));
        TestContext.Current.SendDiagnosticMessage(
            "as before {0:0.00} s after the last client: {1}", watch.Elapsed.TotalSeconds, Footprint.Of(daemon));

        // The daemon collects garbage when it has been idle for a moment.
        await Bound.UntilAsync(
            () => Footprint.Of(daemon).GrewLessThan(before, MemoryMargin), () => $"{before} became {Footprint.Of(daemon)}");
        Assert.Equal(ReplyCode.Ok, (await RawClient.RunAsync(daemon, "id")).End.Code);
        Assert.Equal(0, await daemon.StopAsync());
        Assert.DoesNotContain("fail:", daemon.Log);
    }

    [Fact(Timeout = Bound.Test)]
    public async Task A_job_that_ignores_sigterm_does_not_outlive_its_client()
    {
        await using DaemonProcess daemon = await DaemonProcess.StartAsync();
        Footprint before = await Footprint.AtRestAsync(daemon);
        using (Socket client = await Crowd.SendAsync(
            daemon, $$$"""{"job":"ignore-sigterm","user":"{{{TestUsers.Alice}}}","args":{"seconds":100}}"""))
            await Crowd.WaitForAsync(client, "ready");
        await before.RestoredAsync(daemon, TimeSpan.FromSeconds(20));
    }

    [Theory(Timeout = Bound.Test)]
    [InlineData("text")]
    [InlineData("frames")]
    public async Task A_slow_client_gets_all_output_of_the_job(string form)
    {
        // The output fits into the pipe and the socket, so the job ends at once, and a part waits in the pipe longer than every grace
        // period.
        await using DaemonProcess daemon = await DaemonProcess.StartAsync(c => c["Limits"]!["KillGrace"] = "00:00:00.1");
        const int Bytes = 130_000;
        using Socket client = await Crowd.SendAsync(
            daemon, $$$"""{"job":"flood","user":"{{{TestUsers.Alice}}}","reply":"{{{form}}}","args":{"bytes":{{{Bytes}}}}}""");
        await Task.Delay(4000);
        byte[] reply = await RawClient.ReadToEndAsync(client);
        if (form == "text")
        {
            Assert.Equal(2 * Bytes, reply.Length);
        }
        else
        {
            var framed = FramedReply.Parse(reply);
            Assert.Equal((ReplyCode.Ok, Bytes, Bytes), (framed.End.Code, framed.Stdout.Length, framed.Stderr.Length));
        }
    }

    [Fact(Timeout = Bound.Test)]
    public async Task A_client_that_never_reads_is_disconnected_when_its_job_times_out()
    {
        await using DaemonProcess daemon = await DaemonProcess.StartAsync();
        Footprint before = await Footprint.AtRestAsync(daemon);
        using Socket client = await Crowd.SendAsync(
            daemon, $$$"""{"job":"flood","user":"{{{TestUsers.Alice}}}","reply":"frames","timeout":0.5,"args":{"bytes":0}}""");
        await before.RestoredAsync(daemon, TimeSpan.FromSeconds(20));
        byte[] reply = await RawClient.ReadToEndAsync(client);
        Assert.ThrowsAny<Exception>(() => FramedReply.Parse(reply));
        Assert.DoesNotContain("fail:", daemon.Log);
    }

    [Fact(Timeout = Bound.Test)]
    public async Task A_process_that_keeps_standard_input_unread_leaves_nothing_in_the_daemon()
    {
        await using DaemonProcess daemon = await DaemonProcess.StartAsync(c => c["Limits"]!["KillGrace"] = "00:00:00.1");
        Footprint before = await Footprint.AtRestAsync(daemon);
        byte[] input = new byte[1_000_000];
        EndRecord[] ends = await Crowd.ManyAsync(20, atOnce: 20, async _ =>
            (await RawClient.RunAsync(daemon, "background", """{"seconds":6,"ownSession":true}""", input: input)).End);
        Assert.All(ends, end => Assert.Equal(ReplyCode.Ok, end.Code));
        await Crowd.UntilAsync(
            () => ProcFs.Descriptors(daemon.Pid), now => now == before.Descriptors, TimeSpan.FromSeconds(10), "descriptors of the daemon");
    }

    /// <summary>Clients that disconnect in different ways.</summary>
    private static Task<int[]> KillAsync(DaemonProcess daemon, int count) => Crowd.ManyAsync(count, atOnce: 24, async i =>
    {
        string flood =
            $$$"""{"job":"flood","user":"{{{TestUsers.Alice}}}","reply":"{{{(i % 2 == 0 ? "text" : "frames")}}}","args":{"bytes":0}}""";
        if (i % 20 == 19)
        {
            await KillProcessAsync(daemon);
            return 0;
        }

        using Socket client = await RawClient.ConnectAsync(daemon);
        switch (i % 7)
        {
            case 0: // In the middle of the request.
                await client.SendAsync(Encoding.UTF8.GetBytes(flood[..(flood.Length / 2)]));
                break;
            case 1: // Before any output.
                await client.SendAsync(Encoding.UTF8.GetBytes(flood + "\n"));
                break;
            case 2: // While unread input arrives.
                await client.SendAsync(Encoding.UTF8.GetBytes(flood + "\n" + new string('x', 100_000)));
                await ReadAsync(client, 10_000);
                break;
            case 3: // The input was ended.
                await client.SendAsync(Encoding.UTF8.GetBytes(flood + "\n"));
                client.Shutdown(SocketShutdown.Send);
                await ReadAsync(client, 300_000);
                break;
            case 4: // After shutting down reading; the rest stays open for a while.
                await client.SendAsync(Encoding.UTF8.GetBytes(flood + "\n"));
                client.Shutdown(SocketShutdown.Receive);
                await Task.Delay(5);
                break;
            case 5: // A job that is silent and waits for input.
                await client.SendAsync(Encoding.UTF8.GetBytes($$"""{"job":"cat","user":"{{TestUsers.Bob}}"}""" + "\n"));
                await Task.Delay(2);
                break;
            default:
                await client.SendAsync(Encoding.UTF8.GetBytes(flood + "\n"));
                await ReadAsync(client, 100_000);
                break;
        }

        return 0;
    });

    private static async Task KillProcessAsync(DaemonProcess daemon)
    {
        using var process = new Process
        {
            StartInfo = new ProcessStartInfo(
                NativeBuild.Command, ["--socket", daemon.Socket, "run", "--user", TestUsers.Alice, "--args", """{"bytes":0}""", "flood"])
            {
                RedirectStandardInput = true,
                RedirectStandardOutput = true,
                RedirectStandardError = true,
            },
        };
        process.Start();

        // The job writes to both outputs: if one is not read, the command blocks there and never writes to the other.
        Task<string> errors = process.StandardError.ReadToEndAsync();
        var buffer = new byte[10_000];
        if (await process.StandardOutput.BaseStream.ReadAtLeastAsync(buffer, buffer.Length, throwOnEndOfStream: false) < buffer.Length)
            throw new InvalidOperationException($"the command ended: {await errors}");
        process.Kill();
        await process.WaitForExitAsync();
        await errors;
    }

    private static async Task ReadAsync(Socket socket, int bytes)
    {
        var buffer = new byte[16 * 1024];
        while (bytes > 0 && await socket.ReceiveAsync(buffer) is var count and > 0)
            bytes -= count;
    }
}
