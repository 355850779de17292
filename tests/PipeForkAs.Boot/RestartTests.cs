using System.Collections.Concurrent;
using System.Diagnostics;
using System.Globalization;
using System.Text;
using PipeForkAs.Boot.Harness;
using PipeForkAs.EndToEnd.Harness;
using PipeForkAs.Protocol.Client;

namespace PipeForkAs.Boot;

/// <summary>Tests stops and restarts of a busy service.</summary>
public sealed class RestartTests(BootedSystem system)
{
    private const string Writing =
        """{"Commands":{"note":{"Command":["/bin/sh","-c","echo $1 """
        + """>>~/notes","sh","{number}"],"Parameters":{"number":{"Type":"string"}}}}}""";

    /// <summary>A restart that waited for idle jobs would take the drain time, which is longer.</summary>
    private static readonly TimeSpan WithoutDrain = TimeSpan.FromSeconds(20);

    /// <summary>A client that hangs fails the test at the line that waits for it.</summary>
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(120);

    [Fact(Timeout = Bound.Test)]
    public async Task A_restart_under_load_refuses_no_request_and_runs_nothing_twice()
    {
        Container inside = await system.FreshAsync(Writing);
        inside.Remove("/home/alice/notes");
        var client = new PipeForkAsClient(inside.PathOf(BootedSystem.Socket));
        var codes = new ConcurrentDictionary<int, ReplyCode>();
        using var enough = new CancellationTokenSource();
        int last = 0;
        Task[] crowd = [.. Enumerable.Range(0, 8).Select(_ => Task.Run(async () =>
        {
            while (!enough.IsCancellationRequested)
            {
                int number = Interlocked.Increment(ref last);
                using var input = new MemoryStream();
                using var output = new MemoryStream();
                using var error = new MemoryStream();
                var request = new JobRequest("note") { User = BootedSystem.Alice, Arguments = Number(number) };
                codes[number] = (await client.RunAsync(request, input, output, error)).Code;
            }
        }))];

        for (int restart = 0; restart < 3; restart++)
        {
            int seen = codes.Count;
            await Bound.UntilAsync(() => codes.Count > seen + 50, () => "there is no load");
            int before = await system.MainPidAsync();
            await inside.MustAsync("systemctl", "restart", "pipeforkas.service");
            Assert.NotEqual(before, await system.MainPidAsync());
        }

        await enough.CancelAsync();

        // A connection that was refused, or a reply that was cut short, is an exception here.
        await Task.WhenAll(crowd);
        Assert.Equal(last, codes.Count);
        Assert.All(codes, pair => Assert.Equal(ReplyCode.Ok, pair.Value));
        string[] notes = await File.ReadAllLinesAsync(inside.PathOf("/home/alice/notes"));
        Assert.Equal(Enumerable.Range(1, last), notes.Select(line => int.Parse(line, CultureInfo.InvariantCulture)).Order());
        Console.WriteLine($"measured: {last} requests over 3 restarts, none refused, none run twice");
    }

    [Fact(Timeout = Bound.Test)]
    public async Task A_job_finishes_during_a_stop_even_beyond_the_stop_timeout_of_systemd()
    {
        Container inside = await system.FreshAsync(
            """{"Commands":{"slow":{"Command":["/bin/sh","-c","echo begun; sleep 5; echo done"]}}}""", service: "TimeoutStopSec=2s");
        Task<string> slow = system.AskAsync(BootedSystem.Alice, """{"job":"slow"}""");
        await system.UntilAsync(async () => await system.PropertyAsync("StatusText") is ['1', ..], "no job runs");
        await inside.MustAsync("systemctl", "stop", "pipeforkas.service");
        Assert.Equal("begun\ndone\n", await slow);
        Assert.Equal("success", await system.PropertyAsync("Result"));
    }

    [Fact(Timeout = Bound.Test)]
    public async Task A_job_that_outlasts_the_drain_ends_with_the_code_shutting_down()
    {
        Container inside = await system.FreshAsync(
            """{"Commands":{"slow":{"Command":["/bin/sh","-c","trap '' TERM; sleep 1000 & wait; sleep """
            + """1000"]}},"Limits":{"DrainTimeout":"00:00:01","KillGrace":"00:00:01"}}""");
        Task<string> slow = system.AskAsync(BootedSystem.Alice, """{"job":"slow"}""");
        await system.UntilAsync(async () => await system.PropertyAsync("StatusText") is ['1', ..], "no job runs");
        await inside.MustAsync("systemctl", "stop", "pipeforkas.service");
        Assert.Contains("pipeforkas: shutting-down: ", await slow);
        Assert.Equal("success", await system.PropertyAsync("Result"));
        Assert.Equal("", (await inside.RunAsync("pgrep", "--full", "^sleep 1000")).Text);
    }

    /// <summary>The socket queues clients that connect meanwhile; how long they wait depends on the jobs that are still working.</summary>
    [Fact(Timeout = Bound.Test)]
    public async Task Twenty_restarts_with_idle_jobs_delay_no_request_for_long()
    {
        Container inside = await system.FreshAsync("""{"Limits":{"DrainTimeout":"00:00:40"}}""");
        var client = new PipeForkAsClient(inside.PathOf(BootedSystem.Socket));
        using var enough = new CancellationTokenSource();
        var times = new ConcurrentBag<TimeSpan>();
        Task asking = Task.Run(async () =>
        {
            while (!enough.IsCancellationRequested)
            {
                long begun = Stopwatch.GetTimestamp();
                Assert.Equal(ReplyCode.Ok, (await RunAsync(client, "id", Stream.Null)).Code);
                times.Add(Stopwatch.GetElapsedTime(begun));
            }
        });
        for (int restart = 0; restart < 20; restart++)
        {
            using var never = new System.IO.Pipes.AnonymousPipeServerStream(System.IO.Pipes.PipeDirection.In);
            Task<JobResult>[] idle = [RunAsync(client, "cat", never), RunAsync(client, "cat", never)];
            await Task.Delay(1200);
            Assert.False(idle[0].IsCompleted || idle[1].IsCompleted || asking.IsCompleted, await system.JournalAsync());

            // systemd counts starts, and treats this many in a short time as a failure.
            await inside.MustAsync("systemctl", "reset-failed", "pipeforkas.service");
            await inside.MustAsync("systemctl", "restart", "pipeforkas.service");
            Assert.All(await Task.WhenAll(idle).WaitAsync(Patience), end => Assert.Equal(ReplyCode.ShuttingDown, end.Code));
        }

        await enough.CancelAsync();
        await asking.WaitAsync(Patience);
        Console.WriteLine(
            $"measured: {times.Count} requests over 20 restarts beside idle jobs, slowest reply {times.Max().TotalMilliseconds:0} ms");
        Assert.True(times.Max() < WithoutDrain, $"a reply took {times.Max()}");
    }

    private static async Task<JobResult> RunAsync(PipeForkAsClient client, string job, Stream input)
    {
        using var output = new MemoryStream();
        using var error = new MemoryStream();
        return await client.RunAsync(new JobRequest(job) { User = BootedSystem.Alice }, input, output, error);
    }

    private static byte[] Number(int number) =>
        Encoding.UTF8.GetBytes(string.Create(CultureInfo.InvariantCulture, $$"""{"number":"{{number}}"}"""));
}
