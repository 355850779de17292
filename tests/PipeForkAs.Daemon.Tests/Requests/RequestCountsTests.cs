using PipeForkAs.Client;
using PipeForkAs.Daemon.Authorization;
using PipeForkAs.Daemon.Requests;
using PipeForkAs.Protocol.Client;

namespace PipeForkAs.Daemon.Tests.Requests;

public sealed class RequestCountsTests
{
    [Theory]
    [InlineData(ReplyCode.Ok, true, false)]
    [InlineData(ReplyCode.Ok, false, false)]
    [InlineData(ReplyCode.Failed, true, false)]
    [InlineData(ReplyCode.ShuttingDown, true, false)]
    [InlineData(ReplyCode.ShuttingDown, false, true)]
    [InlineData(ReplyCode.Internal, false, true)]
    [InlineData(ReplyCode.Cancelled, true, false)]
    [InlineData(ReplyCode.Cancelled, false, true)]
    [InlineData(ReplyCode.Denied, false, true)]
    public void A_request_counts_as_refused_if_nothing_ran_for_it(ReplyCode code, bool ran, bool isRefused)
    {
        int changes = 0;
        var counts = new RequestCounts(() => changes++);
        counts.Answered(new EndRecord { Code = code, Pid = ran ? 4711 : null });
        Assert.Equal((isRefused ? 0L : 1L, isRefused ? 1L : 0L, 1), (counts.Served, counts.Refused, changes));
        Assert.Equal(1, counts.ByCode()[code.ToWire()]);
    }

    [Fact]
    public void Durations_are_counted_by_kind_up_to_each_bound()
    {
        var counts = new RequestCounts(static () => { });
        foreach (double seconds in new[] { 0, 0.001, 0.0011, 300, 301 })
            counts.Took(JobKind.Text, new EndRecord { Code = ReplyCode.Ok, Seconds = seconds });

        Assert.Equal(["text", "typed", "streaming", "command"], counts.Durations().Keys);
        DurationStatus text = counts.Durations()["text"];
        Assert.Equal((5, TimeSpan.FromSeconds(601.0021)), (text.Jobs, text.Total));
        Assert.Equal(
            (1, 2, 3, 4),
            (At(0.0005), At(0.001), At(0.0025), At(300)));
        Assert.Equal(text.Histogram.Select(bucket => bucket.UpTo).Order(), text.Histogram.Select(bucket => bucket.UpTo));
        Assert.Equal(0, counts.Durations()["command"].Jobs);

        long At(double seconds) => text.Histogram.Single(bucket => bucket.UpTo == TimeSpan.FromSeconds(seconds)).Jobs;
    }

    [Fact]
    public void Denials_are_counted_by_rule()
    {
        var counts = new RequestCounts(static () => { });
        counts.Denied(Decision.Deny("no rule matches"));
        counts.Denied(new Decision(Answer.Denied, "no-root", "denied by the rule", null));
        counts.Denied(new Decision(Answer.Denied, "no-root", "denied by the rule", null));

        Assert.Equal([new(null, 1), new("no-root", 2)], counts.Denials());
    }
}
