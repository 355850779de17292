using PipeForkAs.Daemon.Callers;
using PipeForkAs.Daemon.Tests.Fakes;
using PipeForkAs.LibC;

namespace PipeForkAs.Daemon.Tests.Callers;

public sealed class CallerOriginTests
{
    [Theory]
    [InlineData("0::/system.slice/nginx.service\n", "nginx.service")]
    [InlineData("0::/system.slice/system-foo.slice/foo@bar.service/sub/group\n", "foo@bar.service")]
    [InlineData("0::/user.slice/user-1000.slice/session-3.scope\n", "session-3.scope")]
    [InlineData("0::/user.slice/user-1000.slice/user@1000.service/app.slice/a.service\n", "user@1000.service")]
    [InlineData("12:pids:/x.service\n1:name=systemd:/system.slice/cron.service\n0::/elsewhere.service\n", "cron.service")]
    [InlineData("0::/system.slice/_cgroup.service\n", "cgroup.service")]
    [InlineData("0::/a:b.service\n", "a:b.service")]
    [InlineData("0::/\n", null)]
    [InlineData("0::/docker/abc\n", null)]
    [InlineData("0::/docker/abc/forged.service\n", null)]
    [InlineData("0::/.service\n", null)]
    [InlineData("5:cpu:/x.service\n", null)]
    [InlineData("", null)]
    [InlineData(null, null)]
    public void A_unit_is_the_first_part_of_the_path_after_the_slices(string? groups, string? unit) =>
        Assert.Equal(unit, CallerOrigin.UnitOf(groups));

    [Fact]
    public void A_connected_client_is_identified()
    {
        using var pair = new ConnectedPair();
        CallerOrigin origin = CallerOrigin.Of(pair.Accepted, Libc.getpid());
        Assert.Equal(Environment.ProcessPath, origin.Executable);
        using FileDescriptor? process = Libc.getsockopt_peerpidfd(pair.Accepted);
        Assert.Equal(process is null ? OriginTrust.Number : OriginTrust.Process, origin.Trust);
    }

    [Fact]
    public void A_client_that_has_ended_is_not_identified()
    {
        string name = $"@pipeforkas-origin-{Guid.NewGuid():N}";
        using FileDescriptor listener = Libc.socket_unix(SocketType.SOCK_STREAM, blocking: true);
        Libc.bind(listener, name);
        Libc.listen(listener, 1);
        Child.Run("/usr/bin/socat", ["-u", "/dev/null", $"ABSTRACT-CONNECT:{name[1..]}"]);
        using FileDescriptor accepted = Libc.accept4(listener, out _)!;
        Caller caller = Caller.Identify(accepted);
        Assert.NotEqual(Libc.getpid(), caller.Pid);

        // The daemon sees another process with the same pid: this one.
        Assert.Equal(CallerOrigin.Gone, CallerOrigin.Of(accepted, caller.Pid));
        CallerOrigin reused = CallerOrigin.Of(accepted, Libc.getpid());
        Assert.SkipWhen(reused.Trust == OriginTrust.Number, "the kernel has no SO_PEERPIDFD, which came with Linux 6.5");
        Assert.Equal(CallerOrigin.Gone, reused);
    }
}
