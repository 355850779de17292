using Microsoft.Extensions.Hosting.Systemd;
using PipeForkAs.Daemon.Listening;
using PipeForkAs.Daemon.Systemd;
using PipeForkAs.LibC;

namespace PipeForkAs.Daemon.Tests.Systemd;

public sealed class ServiceManagerTests
{
    private static readonly ProcessId Self = new(4711);

    [Theory]
    [InlineData(null, null, null)]
    [InlineData("", "", null)]
    [InlineData("30000000", null, 30.0)]
    [InlineData("30000000", "4711", 30.0)]
    [InlineData("1", "4711", 0.000001)]
    [InlineData("30000000", "4712", null)]
    [InlineData("30000000", "4711x", null)]
    [InlineData("0", "4711", null)]
    [InlineData("-1", "4711", null)]
    [InlineData("30 s", "4711", null)]
    [InlineData("99999999999999999999999", "4711", null)]
    public void The_watchdog_applies_only_to_the_named_process(string? microseconds, string? pid, double? seconds)
    {
        ServiceManager manager = From(("WATCHDOG_USEC", microseconds), ("WATCHDOG_PID", pid));
        Assert.Equal(seconds, manager.Watchdog?.TotalSeconds);
    }

    [Theory]
    [InlineData(null, null)]
    [InlineData("1", null)]
    [InlineData("1", "")]
    [InlineData("1", "4712")]
    [InlineData("1", "4711 ")]
    [InlineData("0", "4711")]
    [InlineData("", "4711")]
    [InlineData("nonsense", "4712")]
    public void Descriptors_of_another_process_are_not_touched(string? count, string? pid) =>
        Assert.Null(From(("LISTEN_FDS", count), ("LISTEN_PID", pid)).Socket);

    [Theory]
    [InlineData("2", "one:two", "passed 2 sockets (one:two)")]
    [InlineData("2", null, "passed 2 sockets (without names)")]
    [InlineData("-1", null, "\"-1\", which is not a number")]
    [InlineData("1x", null, "\"1x\", which is not a number")]
    public void Unusable_sockets_from_systemd_are_refused(string count, string? names, string said)
    {
        ListenException refused = Assert.Throws<ListenException>(
            () => From(("LISTEN_FDS", count), ("LISTEN_PID", "4711"), ("LISTEN_FDNAMES", names)));
        Assert.Contains(said, refused.Message);
    }

    [Fact]
    public void Without_a_service_manager_nothing_is_sent()
    {
        ServiceManager manager = From(("NOTIFY_SOCKET", ""));
        Assert.Null(manager.NotifyAddress);
        using ServiceNotifier notifier = NotifyPoint.Notifier(manager);
        Assert.False(notifier.IsEnabled);
        notifier.Notify(ServiceState.Ready);
        notifier.ThrowIfUnreachable();
    }

    [Fact]
    public void An_address_that_is_too_long_for_a_socket_is_refused()
    {
        Assert.NotNull(From(("NOTIFY_SOCKET", new string('/', Libc.MaxSocketPath))).NotifyAddress);
        ListenException refused = Assert.Throws<ListenException>(() => From(("NOTIFY_SOCKET", new string('/', Libc.MaxSocketPath + 1))));
        Assert.StartsWith("NOTIFY_SOCKET is longer than the 107 bytes", refused.Message);
    }

    private static ServiceManager From(params (string Name, string? Value)[] variables) =>
        ServiceManager.From(name => Array.Find(variables, variable => variable.Name == name).Value, Self);
}
