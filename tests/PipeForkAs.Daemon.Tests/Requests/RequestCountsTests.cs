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
}
