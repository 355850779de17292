using System.Globalization;

namespace PipeForkAs.LibC.Tests;

public sealed class PrivilegeTests
{
    [Fact]
    public void The_ids_equal_those_in_proc()
    {
        Assert.Equal(Ids("Uid")[..3], Three(Libc.getresuid(), id => id.Value));
        Assert.Equal(Ids("Gid")[..3], Three(Libc.getresgid(), id => id.Value));
        Assert.Equal(Ids("Uid")[..3].All(id => id == Libc.geteuid().Value), Libc.getresuid().AllAre(Libc.geteuid()));
        Assert.False(new ProcessIds<UserId>(UserId.Root, UserId.Root, UserId.Unchanged).AllAre(UserId.Root));
        Assert.Equal((Libc.getresuid().Effective, Libc.getresgid().Effective), (Libc.geteuid(), Libc.getegid()));
        Assert.Equal(Ids("Groups"), Libc.getgroups().Select(group => group.Value).Order());
        Assert.Equal(Environment.ProcessId, Libc.getpid().Value);
        Assert.Equal(ProcessStatus.Field("PPid"), Libc.getppid().ToString());
    }

    [Fact]
    public void The_capabilities_equal_those_in_proc() => Assert.Equal(
        new CapabilitySets(ProcessStatus.Mask("CapEff"), ProcessStatus.Mask("CapPrm"), ProcessStatus.Mask("CapInh")), Libc.capget());

    [Fact]
    public void The_bounding_set_is_read_up_to_the_last_capability_that_the_kernel_knows()
    {
        ulong expected = ProcessStatus.Mask("CapBnd");
        int last = int.Parse(File.ReadAllText("/proc/sys/kernel/cap_last_cap"), CultureInfo.InvariantCulture);
        for (int capability = 0; capability <= last; capability++)
            Assert.Equal((expected & (1UL << capability)) != 0, Libc.prctl_capbset_read(capability));
        Assert.Null(Libc.prctl_capbset_read(last + 1));
        Assert.Null(Libc.prctl_capbset_read(-1));
    }

    [Fact]
    public void No_new_privs_equals_the_value_in_proc() =>
        Assert.Equal(ProcessStatus.Field("NoNewPrivs") == "1", Libc.prctl_get_no_new_privs());

    [Theory]
    [InlineData(ResourceLimit.RLIMIT_CPU, "Max cpu time")]
    [InlineData(ResourceLimit.RLIMIT_FSIZE, "Max file size")]
    [InlineData(ResourceLimit.RLIMIT_CORE, "Max core file size")]
    [InlineData(ResourceLimit.RLIMIT_NPROC, "Max processes")]
    [InlineData(ResourceLimit.RLIMIT_NOFILE, "Max open files")]
    public void Limits_equal_those_in_proc(ResourceLimit resource, string name)
    {
        string[] values = File.ReadLines("/proc/self/limits").First(
            line => line.StartsWith(name + " ", StringComparison.Ordinal))[name.Length..]
            .Split(' ', StringSplitOptions.RemoveEmptyEntries);
        Assert.Equal((Value(values[0]), Value(values[1])), Libc.getrlimit(resource));
    }

    [Fact]
    public void A_soft_limit_can_be_set_and_set_back()
    {
        (ulong soft, ulong hard) = Libc.getrlimit(ResourceLimit.RLIMIT_CORE);
        ulong other = soft == 0 ? 0 : soft / 2;
        Libc.setrlimit(ResourceLimit.RLIMIT_CORE, other, hard);
        Assert.Equal((other, hard), Libc.getrlimit(ResourceLimit.RLIMIT_CORE));
        Libc.setrlimit(ResourceLimit.RLIMIT_CORE, soft, hard);
        Assert.Equal(Errno.EINVAL, Assert.Throws<SystemCallException>(() => Libc.setrlimit(ResourceLimit.RLIMIT_CORE, 2, 1)).Errno);
    }

    private static uint[] Ids(string name) =>
        [.. ProcessStatus.Field(name).Split((char[])['\t', ' '], StringSplitOptions.RemoveEmptyEntries).Select(
            id => uint.Parse(id, CultureInfo.InvariantCulture))];

    private static uint[] Three<T>(ProcessIds<T> ids, Func<T, uint> value)
        where T : struct, IEquatable<T> => [value(ids.Real), value(ids.Effective), value(ids.Saved)];

    private static ulong Value(string text) => text == "unlimited" ? Libc.RLIM_INFINITY : ulong.Parse(text, CultureInfo.InvariantCulture);
}
