namespace PipeForkAs.LibC.Tests;

public sealed class WaitTests
{
    /// <summary>Signals whose default action does not end a process; signal(7).</summary>
    private static readonly int[] Harmless = [17, 18, 19, 20, 21, 22, 23, 28];

    [Fact]
    public void Every_exit_code_is_reported()
    {
        for (int code = 0; code < 256; code++)
        {
            using Child child = Child.Start("/bin/sh", ["-c", $"exit {code}"]);
            Assert.Equal(new WaitStatus.Exited(code), child.Wait().Status);
        }
    }

    [Fact]
    public void Every_terminating_signal_is_reported()
    {
        (ulong soft, ulong hard) = Libc.getrlimit(ResourceLimit.RLIMIT_CORE);
        Libc.setrlimit(ResourceLimit.RLIMIT_CORE, 0, hard);
        try
        {
            foreach (int number in Enumerable.Range(1, Signal.Max).Except(Harmless))
            {
                using Child child = Child.Start("/bin/sleep", ["60"]);
                Assert.True(Libc.kill(child.Pid, new Signal(number)));
                Assert.Equal(new WaitStatus.Signaled(new Signal(number)), child.Wait().Status);
            }
        }
        finally
        {
            Libc.setrlimit(ResourceLimit.RLIMIT_CORE, soft, hard);
        }
    }

    [Fact]
    public void Peeking_does_not_reap_and_reaping_happens_once()
    {
        using Child child = Child.Start("/bin/sh", ["-c", "exit 3"]);
        child.WaitUntilEnded();

        Assert.Equal(new WaitStatus.Exited(3), Libc.peek_ended(child.Pid)!.Value.Status);
        Assert.Equal(child.Pid, Libc.peek_ended(child.Pid)!.Value.Pid);
        Assert.True(Libc.kill(child.Pid, new Signal(0)), "the process id stays taken");
        Assert.Equal(new WaitStatus.Exited(3), Libc.reap(child.Pid)!.Value.Status);
        child.WasReaped();
        Assert.Equal(Errno.ECHILD, Assert.Throws<SystemCallException>(() => Libc.reap(child.Pid)).Errno);
        Assert.Equal(Errno.ECHILD, Assert.Throws<SystemCallException>(() => Libc.peek_ended(child.Pid)).Errno);
    }

    [Fact]
    public void Any_child_that_ended_is_found_until_it_is_reaped()
    {
        Assert.Null(Libc.peek_any_ended());
        using Child running = Child.Start("/bin/sleep", ["60"]), ended = Child.Start("/bin/sh", ["-c", "exit 4"]);
        ended.WaitUntilEnded();

        Assert.Equal((ended.Pid, new WaitStatus.Exited(4)), (Libc.peek_any_ended()!.Value.Pid, Libc.peek_any_ended()!.Value.Status));
        ended.Wait();
        Assert.Null(Libc.peek_any_ended());
    }

    [Fact]
    public void A_running_child_has_not_ended()
    {
        using Child child = Child.Start("/bin/sleep", ["60"]);
        Assert.Null(Libc.peek_ended(child.Pid));
        Assert.Null(Libc.reap(child.Pid));
        Assert.Null(Libc.reap(child.Pidfd));
        Assert.False(Libc.poll_readable(child.Pidfd, 0));
    }

    [Fact]
    public void Waiting_for_a_child_reaps_it()
    {
        using Child child = Child.Start("/bin/sh", ["-c", "exit 9"]);
        child.WaitUntilEnded();
        Assert.Equal(new WaitStatus.Exited(9), Libc.wait_for(child.Pid).Status);
        child.WasReaped();
    }

    [Fact]
    public void Resource_usage_is_that_of_the_child_and_equal_for_peek_and_reap()
    {
        using Child child = Child.Start("/bin/sh", ["-c", "i=0; while [ $i -lt 300000 ]; do i=$((i+1)); done"]);
        child.WaitUntilEnded();
        ResourceUsage peeked = Libc.peek_ended(child.Pid)!.Value.Usage;
        ResourceUsage usage = child.Wait().Usage;

        Assert.Equal(peeked, usage);
        Assert.InRange(usage.UserTime.TotalMilliseconds, 10, 30_000);
        Assert.InRange(usage.SystemTime.TotalMilliseconds, 0, 30_000);
        Assert.InRange(usage.MaxResidentBytes, 200 * 1024, 200 * 1024 * 1024);
    }

    [Fact]
    public void A_pidfd_signals_only_its_process_and_no_later_one_with_the_pid()
    {
        using Child child = Child.Start("/bin/sleep", ["60"]);
        Assert.True(OpenDescriptors.IsCloseOnExec(child.Pidfd.Number));
        Assert.True(Libc.pidfd_send_signal(child.Pidfd, Signal.SIGTERM));
        Assert.Equal(new WaitStatus.Signaled(Signal.SIGTERM), child.Wait().Status);

        Assert.False(Libc.pidfd_send_signal(child.Pidfd, Signal.SIGTERM));
        Assert.False(Libc.kill(child.Pid, Signal.SIGTERM));
        Assert.False(Libc.killpg(child.Pid, Signal.SIGTERM));
        Assert.Equal(Errno.ESRCH, Assert.Throws<SystemCallException>(() => Libc.pidfd_open(child.Pid)).Errno);
    }

    [Fact]
    public void A_process_group_is_signaled_as_a_whole()
    {
        using Child child = Child.Start("/bin/sh", ["-c", "sleep 60 & echo started; wait"]);
        child.WaitForOutput();
        Assert.True(Libc.killpg(child.Pid, Signal.SIGKILL));
        child.ReadAll(); // Ends when the last process of the group has ended.
        Assert.Equal(new WaitStatus.Signaled(Signal.SIGKILL), child.Wait().Status);
    }

    [Fact]
    public void Process_ids_that_mean_a_group_or_all_processes_to_kill_are_refused()
    {
        // Signal 0 is harmless if the check is missing.
        var none = new Signal(0);
        Assert.All([0, -1, -2], pid => Assert.Throws<ArgumentOutOfRangeException>(() => Libc.kill(new ProcessId(pid), none)));
        Assert.All([1, 0, -1, -2], group => Assert.Throws<ArgumentOutOfRangeException>(() => Libc.killpg(new ProcessId(group), none)));
    }
}
