using System.Net.Sockets;
using System.Text.Json.Nodes;
using PipeForkAs.EndToEnd.Harness;
using PipeForkAs.LibC;
using PipeForkAs.Protocol.Client;

namespace PipeForkAs.EndToEnd;

/// <summary>
/// Tests that a daemon which may open few files refuses what it cannot serve, loses no request, and continues as soon as it can.
/// </summary>
public sealed class ShortageTests
{
    private const int Files = 100;

    [Theory(Timeout = Bound.Test)]
    [InlineData(0)]
    [InlineData(2)]
    public async Task Exhausted_descriptors_do_not_end_a_job_host(int workers)
    {
        (string folder, JsonObject configuration) = DaemonProcess.Prepare();
        configuration["JobHosts"] = new JsonArray(new JsonObject { ["Path"] = NativeBuild.StockJobs, ["Workers"] = workers });
        await using DaemonProcess daemon = DaemonProcess.Launch(
            folder, configuration, Script(folder, $"exec prlimit --nofile={Files}:{Files} {NativeBuild.Daemon} \"$@\""));
        await Crowd.ListeningAsync(daemon);
        Assert.Equal(ReplyCode.Ok, (await RawClient.RunAsync(daemon, "id")).End.Code);
        int host = Assert.Single(ProcFs.Children(daemon.Pid));
        int before = await SettledAsync(daemon);

        var ends = new List<EndRecord>();
        for (int idle = Files - before - 20; idle < Files - before + 10; idle++)
        {
            var silent = new List<Socket>();
            for (int i = 0; i < idle; i++)
                silent.Add(await RawClient.ConnectAsync(daemon));
            Task<FramedReply>[] asked = [.. Enumerable.Range(0, 6).Select(_ => RawClient.RunAsync(daemon, "id"))];
            await Task.WhenAny(Task.WhenAll(asked), Task.Delay(50));
            silent.ForEach(socket => socket.Dispose());
            ends.AddRange((await Task.WhenAll(asked)).Select(reply => reply.End));
        }

        Assert.All(ends, end => Assert.True(end.Code is ReplyCode.Ok or ReplyCode.Internal, $"{end.Code}: {end.Message}"));
        Assert.True(
            ends.Exists(end => end.Code == ReplyCode.Internal)
            || daemon.Log.Contains("no connection can be accepted now: EMFILE", StringComparison.Ordinal),
            "descriptors did not run out");
        Assert.Equal(host, Assert.Single(ProcFs.Children(daemon.Pid)));
        Assert.Equal(ReplyCode.Ok, (await RawClient.RunAsync(daemon, "id")).End.Code);
        await Crowd.UntilAsync(() => ProcFs.Children(host).Count, count => count == workers, TimeSpan.FromSeconds(20), "workers");
        await Crowd.UntilAsync(() => ProcFs.Descriptors(daemon.Pid), count => count == before, TimeSpan.FromSeconds(20), "descriptors");
        Assert.Equal(0, await daemon.StopAsync());
    }

    [Fact(Timeout = Bound.Test)]
    public async Task Failed_forks_leave_nothing_in_the_job_host_for_later_workers()
    {
        (string folder, JsonObject configuration) = DaemonProcess.Prepare();
        configuration["JobHosts"] = new JsonArray(new JsonObject { ["Path"] = NativeBuild.TestJobs, ["Workers"] = 0 });
        await using DaemonProcess daemon = DaemonProcess.Launch(folder, configuration);
        await Crowd.ListeningAsync(daemon);
        int host = Assert.Single(ProcFs.Children(daemon.Pid));
        string[] Open() =>
            [.. Directory.GetFileSystemEntries($"/proc/{host}/fd").Select(
                path => $"{Path.GetFileName(path)} {new FileInfo(path).LinkTarget}").Order(StringComparer.Ordinal)];
        string[] before = Open();

        // First without space for any of the three socket pairs, then with one more descriptor each time, until there are enough.
        int failures = 0;
        while (true)
        {
            await Tool.MustAsync("prlimit", $"--pid={host}", $"--nofile={before.Length + failures}:");
            EndRecord end = (await RawClient.RunAsync(daemon, "randoms")).End;
            if (end.Code == ReplyCode.Ok)
                break;
            Assert.Equal(ReplyCode.Internal, end.Code);
            Assert.Contains("EMFILE", end.Message);
            failures++;
        }

        Assert.InRange(failures, 4, 7);
        await Tool.MustAsync("prlimit", $"--pid={host}", "--nofile=1024:");
        string[] first = (await RawClient.RunAsync(daemon, "randoms")).Text.Split('\n'),
            second = (await RawClient.RunAsync(daemon, "randoms")).Text.Split('\n');
        Assert.Equal(7, first.Length);
        Assert.All(first.Zip(second).SkipLast(1), pair => Assert.NotEqual(pair.First, pair.Second));
        Assert.Equal(before, Open());
        Assert.Equal(0, await daemon.StopAsync());
    }

    [Fact(Timeout = Bound.Test)]
    public async Task A_stop_before_the_start_is_complete_exits_cleanly_and_leaves_nothing()
    {
        (string folder, JsonObject configuration) = DaemonProcess.Prepare();
        configuration["JobHosts"] = new JsonArray(new JsonObject { ["Path"] = Script(folder, "exec sleep 300"), ["Workers"] = 1 });
        await using DaemonProcess daemon = DaemonProcess.Launch(folder, configuration);
        await Crowd.UntilAsync(() => ProcFs.Children(daemon.Pid).Count, count => count == 1, TimeSpan.FromSeconds(20), "job hosts");

        Assert.Equal(0, await daemon.StopAsync());

        Assert.DoesNotContain("fail:", daemon.Log);
        Assert.DoesNotContain("listening on", daemon.Log);
    }

    private static async Task<int> SettledAsync(DaemonProcess daemon)
    {
        int count = 0, same = 0;
        while (same < 10)
        {
            await Task.Delay(30);
            int now = ProcFs.Descriptors(daemon.Pid);
            same = now == count ? same + 1 : 0;
            count = now;
        }

        return count;
    }

    private static string Script(string folder, string line)
    {
        string path = Path.Combine(folder, "script");
        File.WriteAllText(path, $"#!/bin/sh\n{line}\n");
        Libc.chmod(path, 0x1ED); // 0755
        return path;
    }
}
