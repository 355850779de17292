using System.Globalization;

namespace PipeForkAs.LibC.Tests;

public sealed class SpawnTests
{
    [Fact]
    public void A_program_gets_its_arguments_unchanged()
    {
        using Child child = Child.Start("/usr/bin/printf", ["%s|", "a b", "", "$HOME", "é\n"]);
        Assert.Equal("a b||$HOME|é\n|", child.ReadAll());
        Assert.Equal(new WaitStatus.Exited(0), child.Wait().Status);
    }

    [Fact]
    public void A_program_gets_exactly_the_given_environment()
    {
        using Child child = Child.Start("/usr/bin/env", [], ["ONE=1", "EMPTY=", "TWO=a=b é"]);
        Assert.Equal("ONE=1\nEMPTY=\nTWO=a=b é\n", child.ReadAll());
    }

    [Fact]
    public void A_program_inherits_only_the_mapped_descriptors()
    {
        // The library need not close descriptors that the test run inherited.
        int[] left = OpenDescriptors.Inheritable();
        using FileDescriptor source = Libc.open("/dev/zero", OpenFlags.O_RDONLY);
        using Child child = Child.Start("/bin/ls", ["-1", "/proc/self/fd"], null, (source, 37));

        int[] numbers = [
            .. child.ReadAll().Split('\n', StringSplitOptions.RemoveEmptyEntries).Select(
                line => int.Parse(line, CultureInfo.InvariantCulture))];

        int listing = Enumerable.Range(0, 100).First(number => !left.Concat([0, 1, 2, 37]).Contains(number));
        Assert.Equal(left.Concat([0, 1, 2, 37, listing]).Distinct().Order(), numbers.Order());
    }

    [Fact]
    public void Sources_that_have_the_numbers_of_other_targets_are_not_overwritten()
    {
        using var directory = new TemporaryDirectory();
        string one = directory.File("one"), two = directory.File("two");
        File.WriteAllText(one, "one\n");
        File.WriteAllText(two, "two\n");
        using FileDescriptor first = Libc.open(one, OpenFlags.O_RDONLY), second = Libc.open(two, OpenFlags.O_RDONLY);

        // Each has the number that the other gets in the child.
        using Child crossed = Child.Start(
            "/bin/cat", [$"/proc/self/fd/{second.Number}", $"/proc/self/fd/{first.Number}"], null, (first, second.Number),
            (second, first.Number));
        Assert.Equal("one\ntwo\n", crossed.ReadAll());
    }

    [Fact]
    public void A_descriptor_mapped_to_its_own_number_is_inherited()
    {
        using FileDescriptor file = Libc.open("/etc/passwd", OpenFlags.O_RDONLY);
        using Child child = Child.Start("/bin/cat", [$"/proc/self/fd/{file.Number}"], null, (file, file.Number));
        Assert.Equal(File.ReadAllText("/etc/passwd"), child.ReadAll());
    }

    [Fact]
    public void A_program_starts_with_no_signal_blocked_ignored_or_caught()
    {
        var user = new Signal(12);
        SignalSet former = Libc.sigmask_set(SignalSet.Of(Signal.SIGTERM, Signal.SIGHUP));
        Libc.signal_ignore(user);
        try
        {
            using Child child = Child.Start("/bin/cat", ["/proc/self/status"]);
            string status = child.ReadAll();
            Assert.All(
                ["SigBlk", "SigIgn", "SigCgt", "SigPnd", "ShdPnd"],
                name => Assert.Equal("0000000000000000", ProcessStatus.Field(status, name)));
        }
        finally
        {
            Libc.signal_default(user);
            Libc.sigmask_set(former);
        }
    }

    [Fact]
    public void A_program_leads_its_own_session_and_process_group()
    {
        using Child child = Child.Start("/bin/cat", ["/proc/self/stat"]);
        string[] fields = child.ReadAll().Split(' ');
        string pid = child.Pid.ToString();
        Assert.Equal((pid, Libc.getpid().ToString(), pid, pid), (fields[0], fields[3], fields[4], fields[5]));
    }

    [Fact]
    public void A_missing_program_throws_and_leaves_nothing()
    {
        SystemCallException failure = Assert.Throws<SystemCallException>(() => Child.Start("/nonexistent", []));
        Assert.Equal(("posix_spawn(\"/nonexistent\")", Errno.ENOENT), (failure.Call, failure.Errno));
        OpenDescriptors.AreNotLeakedBy(() => Assert.Throws<SystemCallException>(() => Child.Start("/etc/passwd", [])));
    }

    [Fact]
    public void Strings_with_a_NUL_and_no_arguments_at_all_are_refused()
    {
        Assert.Throws<ArgumentException>(() => Libc.posix_spawn("/bin/true", ["true", "a\0b"], [], []));
        Assert.Throws<ArgumentException>(() => Libc.posix_spawn("/bin/true", ["true"], ["A=\0"], []));
        Assert.Throws<ArgumentException>(() => Libc.posix_spawn("/bin/true\0", ["true"], [], []));
        Assert.Throws<ArgumentOutOfRangeException>(() => Libc.posix_spawn("/bin/true", [], [], []));
    }

    [Fact]
    public void Spawning_leaves_no_descriptor_behind() => OpenDescriptors.AreNotLeakedBy(() => Child.Run("true"));
}
