using PipeForkAs.Daemon.Auditing;
using PipeForkAs.Daemon.Tests.Fakes;
using PipeForkAs.LibC;
using PipeForkAs.Protocol.Client;

namespace PipeForkAs.Daemon.Tests.Auditing;

/// <summary>Tests which records are written in full, and which are summed up.</summary>
public sealed class RecordRateTests
{
    private const int PerMinute = 10;

    private readonly ManualTime time = new();
    private readonly RecordRate rate;

    public RecordRateTests() => rate = new RecordRate(time) { PerMinute = PerMinute };

    [Fact]
    public void The_first_records_of_each_caller_are_written_in_full_then_some_per_minute()
    {
        Assert.Equal(PerMinute, Admitted(1001, 1000));
        Assert.Equal(PerMinute, Admitted(1002, 1000));
        Assert.Equal(0, Admitted(1001, 1));

        time.Advance(TimeSpan.FromSeconds(30));
        Assert.Equal(PerMinute / 2, Admitted(1001, 1000));
        time.Advance(TimeSpan.FromHours(1));
        Assert.Equal(PerMinute, Admitted(1001, 1000));
        Assert.Equal((1000 - PerMinute) * 4 + 1 + (PerMinute / 2), rate.Suppressed);
    }

    [Fact]
    public void Suppressed_records_are_summed_up_once_per_caller_by_code()
    {
        Admitted(1001, PerMinute);
        Admitted(1002, PerMinute);
        Assert.Empty(rate.TakeSums());
        Admitted(1001, 3, ReplyCode.Denied);
        Admitted(1001, 2, ReplyCode.BadRequest);
        Admitted(1002, 1, ReplyCode.Ok);

        Dictionary<string, SuppressedRecords> sums = rate.TakeSums().ToDictionary(sum => sum.Uids);
        Assert.Equal(["1001", "1002"], sums.Keys.Order());
        Assert.Equal((5L, "bad-request 2, denied 3", 1001u), (sums["1001"].Count, sums["1001"].Codes, sums["1001"].Uid));
        Assert.Equal((1L, "ok 1"), (sums["1002"].Count, sums["1002"].Codes));
        Assert.True(sums["1001"].First <= sums["1001"].Last && sums["1001"].Last <= DateTimeOffset.UtcNow);
        Assert.Empty(rate.TakeSums());
    }

    /// <summary>Blocks begin at multiples of 65,536; subordinate ids usually at 100,000, so they are in two blocks.</summary>
    [Fact]
    public void A_user_with_all_its_subordinate_uids_fills_neither_the_disk_nor_the_memory()
    {
        const uint First = 100_000, Count = 65_536;
        int admitted = 0;
        for (int round = 0; round < 3; round++)
        {
            for (uint uid = First; uid < First + Count; uid++)
                admitted += Admitted(uid, 1);
        }

        Assert.Equal(2 * RecordRate.CallersPerBlock * PerMinute, admitted);
        Assert.InRange(rate.Buckets, 1, 500);
        Assert.Equal(["131072-196607", "65536-131071"], rate.TakeSums().Select(sum => sum.Uids).Order(StringComparer.Ordinal));

        // Accounts below, and accounts of a directory service elsewhere, have their first records.
        Assert.Equal(PerMinute, Admitted(1001, 100));
        Assert.Equal(PerMinute, Admitted(200_000, 100));
    }

    [Fact]
    public void Callers_that_send_no_requests_are_removed_from_memory()
    {
        for (int minute = 0; minute < 20; minute++)
        {
            for (uint uid = 0; uid < 200; uid++)
                Assert.Equal(1, Admitted(((uint)minute * 200) + uid, 1));
            time.Advance(TimeSpan.FromMinutes(2));
        }

        Assert.InRange(rate.Buckets, 1, 600);
    }

    [Fact]
    public void Many_uids_of_many_blocks_need_bounded_memory_and_are_limited_too()
    {
        // 7 of each block, so that no block reaches its own rate.
        int admitted = 0;
        for (uint block = 1; block <= 2000; block++)
        {
            for (uint uid = 0; uid < 7; uid++)
                admitted += Admitted((block << 16) + uid, PerMinute + 5);
        }

        Assert.InRange(rate.Buckets, 1, 4096 + 2000);
        Assert.InRange(admitted, 1, 2000 * RecordRate.CallersPerBlock * PerMinute);
    }

    [Fact]
    public void Without_a_rate_all_records_are_written()
    {
        rate.PerMinute = null;
        Assert.Equal(100_000, Admitted(1001, 100_000));
        Assert.Equal(0, rate.Suppressed);
        rate.PerMinute = 1;
        Assert.Equal(1, Admitted(1001, 100));
    }

    private int Admitted(uint uid, int count, ReplyCode code = ReplyCode.Denied) =>
        Enumerable.Range(0, count).Count(_ => rate.Admits(new UserId(uid), code));
}
