using System.Globalization;
using PipeForkAs.Boot.Harness;
using PipeForkAs.EndToEnd.Harness;
using PipeForkAs.LibC;

namespace PipeForkAs.Boot;

/// <summary>Tests how systemd and the daemon handle a daemon, or a job host, that hangs or dies.</summary>
public sealed class FailureTests(BootedSystem system)
{
    /// <summary>A job whose descendants left its session and keep nothing of it open.</summary>
    private const string Spawning =
        """{"Commands":{"spawn":{"Command":["/bin/sh","-c","for i in 1 2 3; do setsid sleep 1000 & done; sleep """
        + """1000"]}},"Limits":{"KillGrace":"00:00:01"}}""";

    /// <summary>
    /// A job with a process that the user's service manager moves to a scope, and that outlives the first process of the job.
    /// </summary>
    private const string Moving = """{"Commands":{"move":{"Command":["/bin/sh","/etc/move.sh"]}}}""";

    private const string MovingScript =
        """
        export XDG_RUNTIME_DIR=/run/user/48001
        setsid systemd-run --user --scope sh -c 'exec sleep 1000' >/dev/null 2>&1 </dev/null &
        until grep '^0::.*scope' /proc/$!/cgroup; do sleep 0.1; done
        """;

    [Fact(Timeout = Bound.Test)]
    public async Task Only_a_daemon_that_hangs_is_restarted()
    {
        Container inside = await system.FreshAsync(service: "WatchdogSec=2s");
        int first = await system.MainPidAsync();
        await Task.Delay(5000);
        Assert.Equal((first, "0"), (await system.MainPidAsync(), await system.PropertyAsync("NRestarts")));

        await inside.MustAsync("kill", "-STOP", Text(first));
        await system.UntilAsync(
            async () => await system.PropertyAsync("NRestarts") == "1" && await system.PropertyAsync("ActiveState") == "active",
            "it is not restarted");
        Assert.Contains("Watchdog timeout", await inside.MustAsync("journalctl", "-b", "-o", "cat", "-u", "pipeforkas.service"));
        Assert.NotEqual(first, await system.MainPidAsync());
        Assert.Contains("(alice)", await system.AskAsync(BootedSystem.Alice, """{"job":"id"}"""));
    }

    [Fact(Timeout = Bound.Test)]
    public async Task A_killed_daemon_leaves_no_process_and_the_next_one_removes_its_control_groups()
    {
        Container inside = await system.FreshAsync(Spawning);
        Task<string> cutShort = system.AskAsync(BootedSystem.Alice, """{"job":"spawn"}""");
        await SleepersAsync(4);
        int[] before = await system.ProcessesAsync();
        await inside.MustAsync("kill", "-KILL", Text(await system.MainPidAsync()));
        await cutShort;
        await system.UntilAsync(
            async () => await system.PropertyAsync("NRestarts") == "1" && await system.PropertyAsync("ActiveState") == "active",
            "it is not restarted");
        await SleepersAsync(0);
        Assert.Empty((await system.ProcessesAsync()).Intersect(before));
        await system.UntilAsync(
            () => Task.FromResult(Groups(inside).Length == 4), "there are control groups besides those of the waiting workers");
        Assert.Contains("(alice)", await system.AskAsync(BootedSystem.Alice, """{"job":"id"}"""));
    }

    [Fact(Timeout = Bound.Test)]
    public async Task A_process_that_the_user_manager_moved_to_a_scope_ends_with_its_job()
    {
        Container inside = await system.FreshAsync(Moving);
        inside.Write("/etc/move.sh", MovingScript);
        await inside.MustAsync("systemctl", "start", $"user@{BootedSystem.AliceId}.service");
        try
        {
            Assert.Matches(@"^0::/user\.slice/.*\.scope\n$", await system.AskAsync(BootedSystem.Alice, """{"job":"move"}"""));
            await SleepersAsync(0);
            Assert.DoesNotContain("could not be killed", await system.JournalAsync());
        }
        finally
        {
            await inside.MustAsync("systemctl", "stop", $"user@{BootedSystem.AliceId}.service");
        }
    }

    [Fact(Timeout = Bound.Test)]
    public async Task A_new_daemon_first_ends_the_leftovers_of_a_killed_one()
    {
        // Only the next daemon ends the leftover processes: KillMode=none.
        Container inside = await system.FreshAsync(Spawning, service: "KillMode=none\nRestart=no");
        Task<string> cutShort = system.AskAsync(BootedSystem.Alice, """{"job":"spawn"}""");
        await SleepersAsync(4);
        ulong[] groups = Groups(inside);
        await inside.MustAsync("kill", "-KILL", Text(await system.MainPidAsync()));
        await cutShort;
        await system.UntilAsync(async () => await system.PropertyAsync("ActiveState") == "failed", "it is not down");
        await SleepersAsync(4);

        await inside.MustAsync("systemctl", "start", "pipeforkas.service");
        await SleepersAsync(0);
        await system.UntilAsync(() => Task.FromResult(!Groups(inside).Intersect(groups).Any()), "groups of the killed daemon are left");
    }

    [Fact(Timeout = Bound.Test)]
    public async Task A_killed_job_host_is_restarted_without_restarting_the_service()
    {
        Container inside = await system.FreshAsync(Spawning);
        int daemon = await system.MainPidAsync();
        Task<string> lost = system.AskAsync(BootedSystem.Alice, """{"job":"spawn"}""");
        await SleepersAsync(4);
        await inside.MustAsync("pkill", "-KILL", "--parent", Text(daemon), "pipeforkas-jobs");
        Assert.Contains("pipeforkas: host-lost: ", await lost);
        await SleepersAsync(0);
        Assert.Contains("(alice)", await system.AskAsync(BootedSystem.Alice, """{"job":"id"}"""));
        Assert.Equal((daemon, "0"), (await system.MainPidAsync(), await system.PropertyAsync("NRestarts")));
    }

    [Fact(Timeout = Bound.Test)]
    public async Task A_hanging_job_host_is_killed_and_restarted_without_restarting_the_service()
    {
        Container inside = await system.FreshAsync();
        int daemon = await system.MainPidAsync();
        string host = await inside.MustAsync("pgrep", "--parent", Text(daemon), "pipeforkas-jobs");
        await inside.MustAsync("kill", "-STOP", host);
        await system.UntilAsync(
            async () => (await inside.RunAsync("pgrep", "--parent", Text(daemon), "pipeforkas-jobs")).Text.Trim() is { Length: > 0 } now
            && now != host, "the host is not replaced");
        await system.UntilAsync(
            async () => (await system.AskAsync(BootedSystem.Alice, """{"job":"id"}""")).Contains("(alice)", StringComparison.Ordinal),
            "nothing is served");
        Assert.Equal((daemon, "0"), (await system.MainPidAsync(), await system.PropertyAsync("NRestarts")));
    }

    /// <summary>Waits until this number of sleeping processes of jobs exists.</summary>
    private Task SleepersAsync(int count) => system.UntilAsync(
        async () => (await system.Inside.RunAsync("pgrep", "--count", "--full", "^sleep 1000")).Text.Trim() == Text(count),
        $"there are not {count} sleepers");

    /// <summary>The control groups of jobs, identified by inode because their names are reused.</summary>
    private static ulong[] Groups(Container inside) =>
        [.. Directory.GetDirectories(inside.PathOf("/sys/fs/cgroup/system.slice/pipeforkas.service"), "job-*").Select(
            Libc.stat).OfType<FileStatus>().Select(group => group.Inode)];

    private static string Text(int number) => number.ToString(CultureInfo.InvariantCulture);
}
