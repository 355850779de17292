using System.Text.RegularExpressions;
using Microsoft.Extensions.Hosting.Systemd;
using Microsoft.Extensions.Logging;
using PipeForkAs.Daemon.Logging;
using PipeForkAs.Daemon.Systemd;
using PipeForkAs.Daemon.Tests.Fakes;
using PipeForkAs.LibC;

namespace PipeForkAs.Daemon.Tests.Systemd;

public sealed partial class ServiceNotifierTests
{
    private static readonly TimeSpan Bound = TimeSpan.FromSeconds(30);
    private static readonly string Abstract = $"@pipeforkas-notifier-{Environment.ProcessId}";

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void Notifications_reach_a_path_or_an_abstract_name(bool isAbstract)
    {
        using var folder = new TemporaryFolder();
        using var point = new NotifyPoint(isAbstract ? Abstract : folder.File("notify"));
        using ServiceNotifier notifier = NotifyPoint.Notifier(point.Manager());
        notifier.ThrowIfUnreachable();
        Assert.Empty(point.Told());
        notifier.Notify(ServiceState.Ready);
        notifier.Notify(ServiceStates.Reloading());
        notifier.Notify(ServiceState.Ready);
        notifier.Notify(default);
        notifier.Notify(ServiceState.Stopping);
        string[] told = point.Told();
        Assert.Equal(["READY=1", "READY=1", "STOPPING=1"], told.Where((_, i) => i != 1));
        Assert.Matches(Reloading(), told[1]);
    }

    [Fact]
    public async Task Delayed_notifications_send_the_last_value_of_each_variable_in_order()
    {
        using var point = new NotifyPoint(Abstract);
        point.Fill();
        using ServiceNotifier notifier = NotifyPoint.Notifier(point.Manager());
        await Task.Run(
            () =>
            {
                for (int i = 0; i < 1000; i++)
                {
                    notifier.Notify(ServiceStates.Status($"{i}"));
                    notifier.Notify(ServiceStates.Alive);
                    notifier.Notify(ServiceStates.Reloading());
                    notifier.Notify(ServiceState.Ready);
                }
            },
            TestContext.Current.CancellationToken).WaitAsync(Bound, TestContext.Current.CancellationToken);

        Assert.All(point.Told(), text => Assert.Equal("x", text));
        string[] told = await ToldAsync(point, 3);
        Assert.Equal(["STATUS=999", "READY=1"], told.Where((_, i) => i != 1));
        Assert.Matches(Reloading(), told[1]);

        // No state is pending.
        notifier.Notify(ServiceStates.Alive);
        Assert.Equal(["WATCHDOG=1"], point.Told());
    }

    [Fact]
    public void A_notification_error_is_logged_once_until_one_succeeds_again()
    {
        using var folder = new TemporaryFolder();
        string path = folder.File("notify");
        ServiceManager manager;
        using (var gone = new NotifyPoint(path))
            manager = gone.Manager();
        var log = new NotifierLog();
        using ServiceNotifier notifier = NotifyPoint.Notifier(manager, log);
        Assert.Equal(Errno.ENOENT, Assert.Throws<SystemCallException>(notifier.ThrowIfUnreachable).Errno);
        notifier.Notify(ServiceStates.Alive);
        notifier.Notify(ServiceState.Ready);
        Assert.Equal(["systemd could not be notified of WATCHDOG: ENOENT (No such file or directory)"], log.Lines.Lines);

        using (var back = new NotifyPoint(path))
        {
            notifier.Notify(ServiceState.Ready);
            Assert.Equal(["READY=1"], back.Told());
        }

        notifier.Notify(ServiceState.Stopping);
        Assert.Equal(2, log.Lines.Lines.Count);
    }

    private static async Task<string[]> ToldAsync(NotifyPoint point, int count)
    {
        var told = new List<string>();
        using var deadline = new CancellationTokenSource(Bound);
        while (told.Count < count)
        {
            await Task.Delay(10, deadline.Token);
            told.AddRange(point.Told());
        }

        return [.. told];
    }

    [GeneratedRegex(@"^RELOADING=1\nMONOTONIC_USEC=\d+$")]
    private static partial Regex Reloading();

    private sealed class NotifierLog : ILogger<ServiceNotifier>
    {
        public LogLines Lines { get; } = new();

        public IDisposable? BeginScope<TState>(TState state)
            where TState : notnull => null;

        public bool IsEnabled(LogLevel logLevel) => true;

        public void Log<TState>(
            LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter) =>
            Lines.Log(logLevel, eventId, state, exception, formatter);
    }
}
