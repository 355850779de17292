using PipeForkAs.Daemon.EventLoop;
using PipeForkAs.Daemon.Fairness;
using PipeForkAs.Daemon.Tests.Fakes;
using PipeForkAs.Daemon.Untrusted;

namespace PipeForkAs.Daemon.Tests.Untrusted;

public sealed class OffendersTests : IDisposable
{
    private readonly ManualTime time = new();
    private readonly LogLines log = new();
    private readonly Loop loop;
    private readonly Offenders offenders;

    public OffendersTests()
    {
        loop = new Loop(time, static _ => { });
        offenders = new Offenders(loop, log, static _ => { });
    }

    [Fact]
    public void A_bucket_is_banned_for_a_hundred_times_as_long_as_its_calls_took()
    {
        offenders.CallTook(TestCallers.Alice, TimeSpan.FromMilliseconds(400));
        Assert.True(offenders.IsBanned(TestCallers.Alice));
        Assert.False(offenders.IsBanned(TestCallers.Bob));
        Assert.Contains("uid 1001", Assert.Single(log.Lines), StringComparison.Ordinal);

        time.Advance(TimeSpan.FromSeconds(39));
        Assert.True(offenders.IsBanned(TestCallers.Alice));
        time.Advance(TimeSpan.FromSeconds(2));
        Assert.False(offenders.IsBanned(TestCallers.Alice));
    }

    [Fact]
    public void Calls_add_up_within_a_second_and_expire_after_it()
    {
        for (int i = 0; i < 3; i++)
        {
            offenders.CallTook(TestCallers.Alice, Offenders.Allowance);
            Assert.False(offenders.IsBanned(TestCallers.Alice));
            time.Advance(TimeSpan.FromSeconds(1));
        }

        for (int i = 0; i < 160; i++)
            offenders.CallTook(TestCallers.Alice, Offenders.Notable);
        Assert.True(offenders.IsBanned(TestCallers.Alice));
    }

    [Fact]
    public void Short_calls_do_not_count_and_root_is_never_banned()
    {
        for (int i = 0; i < 10_000; i++)
            offenders.CallTook(TestCallers.Alice, Offenders.Notable - TimeSpan.FromTicks(1));
        offenders.CallTook(Bucket.Root, TimeSpan.FromSeconds(10));
        offenders.Hangs(Bucket.Root);
        Assert.False(offenders.IsBanned(TestCallers.Alice));
        Assert.False(offenders.IsBanned(Bucket.Root));
        offenders.Ends(Bucket.Root);
        Assert.Empty(log.Lines);
    }

    [Fact]
    public void A_bucket_is_banned_until_all_processes_that_it_blocked_have_ended()
    {
        offenders.Hangs(TestCallers.Alice);
        offenders.Hangs(TestCallers.Alice);
        time.Advance(TimeSpan.FromHours(1));
        offenders.Ends(TestCallers.Alice);
        Assert.True(offenders.IsBanned(TestCallers.Alice));
        offenders.Ends(TestCallers.Alice);
        Assert.False(offenders.IsBanned(TestCallers.Alice));
        Assert.Single(log.Lines);
    }

    [Fact]
    public void Banned_buckets_stay_in_memory_whatever_others_do()
    {
        offenders.CallTook(TestCallers.Alice, TimeSpan.FromSeconds(6));
        for (uint uid = 2000; uid < 6000; uid++)
        {
            offenders.CallTook(Bucket.OfAccount(new LibC.UserId(uid)), Offenders.Notable);
            time.Advance(TimeSpan.FromMilliseconds(100));
        }

        Assert.True(offenders.IsBanned(TestCallers.Alice));
    }

    public void Dispose() => loop.Dispose();
}
