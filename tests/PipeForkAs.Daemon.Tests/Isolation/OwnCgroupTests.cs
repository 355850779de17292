using PipeForkAs.Daemon.Isolation;

namespace PipeForkAs.Daemon.Tests.Isolation;

public sealed class OwnCgroupTests
{
    private const string Hybrid =
        """
        31 23 0:28 / /sys/fs/cgroup rw,relatime - tmpfs tmpfs rw,mode=755
        40 31 0:37 / /sys/fs/cgroup/systemd rw,relatime - cgroup cgroup rw,name=systemd
        41 31 0:38 / /sys/fs/cgroup/unified rw,relatime shared:9 - cgroup2 cgroup2 rw
        """;

    [Theory]
    [InlineData(
        "41 31 0:38 / /sys/fs/cgroup rw,nosuid shared:4 - cgroup2 cgroup2 rw", "0::/system.slice/pipeforkas.service",
        "/sys/fs/cgroup/system.slice/pipeforkas.service")]
    [InlineData(Hybrid, "9:name=systemd:/init\n4:memory:/a\n0::/b", "/sys/fs/cgroup/unified/b")]
    [InlineData(Hybrid, "0::/", "/sys/fs/cgroup/unified")]
    [InlineData(@"41 31 0:38 / /mnt/two\040words rw - cgroup2 none rw", "0::/a b", "/mnt/two words/a b")]
    [InlineData("41 31 0:38 /box /sys/fs/cgroup rw - cgroup2 cgroup2 rw", "0::/box/inner", "/sys/fs/cgroup/inner")]
    [InlineData("41 31 0:38 /box /sys/fs/cgroup rw - cgroup2 cgroup2 rw", "0::/box", "/sys/fs/cgroup")]
    public void The_directory_of_the_control_group_of_the_daemon_is_found(string mounts, string groups, string path) =>
        Assert.Equal(path, OwnCgroup.Find(mounts, groups));

    [Theory]
    [InlineData("40 31 0:37 / /sys/fs/cgroup/systemd rw,relatime - cgroup cgroup rw,name=systemd", "0::/a")]
    [InlineData(Hybrid, "9:name=systemd:/init")]
    [InlineData(Hybrid, "")]
    [InlineData(Hybrid, "0::/../other")]
    [InlineData(Hybrid, "0::/gone (deleted)")]
    [InlineData("41 31 0:38 /box /sys/fs/cgroup rw - cgroup2 cgroup2 rw", "0::/boxed/inner")]
    [InlineData("41 31 0:38 / /sys/fs/cgroup rw cgroup2 cgroup2 rw", "0::/a")]
    public void A_control_group_that_is_not_visible_is_not_found(string mounts, string groups) =>
        Assert.Null(OwnCgroup.Find(mounts, groups));

    [Fact]
    public void The_name_of_the_daemons_control_group_is_stable_and_depends_on_the_socket()
    {
        Assert.Equal("pipeforkas-bc816248547b26e9", OwnCgroup.NameFor("/run/pipeforkas/pipeforkas.sock"));
        Assert.NotEqual(OwnCgroup.NameFor("/run/a"), OwnCgroup.NameFor("/run/b"));
    }
}
