using System.Diagnostics;
using PipeForkAs.Daemon.Isolation;
using PipeForkAs.LibC;

namespace PipeForkAs.Daemon.Tests.Isolation;

public sealed class ProcessEntryTests
{
    [Fact]
    public void A_process_is_parsed_for_any_process_name()
    {
        using Process child = Process.Start(
            new ProcessStartInfo(
                "/bin/sh", ["-c", "printf ') R 1 1 1 (' >/proc/self/comm; exec sleep 100 </dev/null"])
            { RedirectStandardInput = true })!;
        try
        {
            ProcessEntry entry = Assert.NotNull(ProcessEntry.Read(child.Id));

            Assert.Equal((child.Id, Environment.ProcessId, true), (entry.Pid, entry.Parent, entry.IsAlive));
            Assert.Contains(ProcessEntry.All(), other => other.Pid == entry.Pid && other.Started == entry.Started);
            Assert.Equal(Enumerable.Repeat(Libc.geteuid(), 4), entry.Users());
        }
        finally
        {
            child.Kill();
        }
    }

    [Fact]
    public void A_file_lock_does_not_hide_a_process()
    {
        using FileDescriptor locked = Libc.open("/proc/self/stat", OpenFlags.O_RDONLY);
        Assert.True(Libc.flock_exclusive(locked));

        Assert.Throws<IOException>(() => File.ReadAllText($"/proc/{Environment.ProcessId}/stat"));
        Assert.NotNull(ProcessEntry.Read(Environment.ProcessId));
    }

    [Fact]
    public void A_signal_does_not_reach_another_process_that_reuses_the_pid()
    {
        using Process child = Process.Start("/bin/sleep", "100");
        try
        {
            ProcessEntry entry = Assert.NotNull(ProcessEntry.Read(child.Id));

            Assert.False((entry with { Started = entry.Started + 1 }).Send(Signal.SIGKILL));
            Assert.False(child.HasExited);
            Assert.True(entry.Send(Signal.SIGKILL));
            child.WaitForExit();
            Assert.False(entry.Send(Signal.SIGKILL));
        }
        finally
        {
            child.Kill();
        }
    }

    [Fact]
    public void A_process_that_has_ended_has_no_users()
    {
        using Process child = Process.Start("/bin/true");
        ProcessEntry entry = new(child.Id, 'S', Environment.ProcessId, 0, 1, 0);
        child.WaitForExit();

        Assert.Null(entry.Users());
        Assert.Null(ProcessEntry.Read(child.Id));
    }

    [Fact]
    public void A_process_is_killed_by_its_pid_only_in_the_given_control_group()
    {
        using Process child = Process.Start("/bin/sleep", "100");
        try
        {
            string own = OwnCgroup.Path()!;

            Assert.False(ProcessEntry.KillIn(child.Id, $"{own.TrimEnd('/')}/other"));
            Assert.False(child.HasExited);
            Assert.True(ProcessEntry.KillIn(child.Id, own));
            child.WaitForExit();
            Assert.False(ProcessEntry.KillIn(child.Id, own));
        }
        finally
        {
            child.Kill();
        }
    }
}
