using PipeForkAs.Daemon.Fairness;
using PipeForkAs.LibC;

namespace PipeForkAs.Daemon.Tests.Fairness;

public sealed class BucketTests
{
    [Fact]
    public void Each_account_has_its_own_bucket_and_root_is_known_by_its_uid()
    {
        Assert.NotEqual(Bucket.OfAccount(new UserId(1001)), Bucket.OfAccount(new UserId(1002)));
        Assert.Equal(Bucket.Root, Bucket.OfAccount(new UserId(0)));
        Assert.True(Bucket.Root.IsRoot);
        Bucket[] others = [Bucket.WithoutAccount, Bucket.OfUnknown(new UserId(0)), Bucket.OfAccount(new UserId(1))];
        Assert.DoesNotContain(others, bucket => bucket.IsRoot);
    }

    [Theory]
    [InlineData(100_000u, 100_000u + 65_535u)]
    [InlineData(165_536u, 165_536u + 65_535u)]
    [InlineData(4_294_901_759u, 4_294_901_759u + 65_535u)]
    public void An_unknown_range_of_subordinate_ids_has_at_most_two_buckets(uint first, uint last)
    {
        var buckets = new HashSet<Bucket>();
        for (uint uid = first; uid < last; uid++)
            buckets.Add(Bucket.OfUnknown(new UserId(uid)));
        Assert.InRange(buckets.Count, 1, 2);
        Assert.DoesNotContain(Bucket.WithoutAccount, buckets);
        Assert.DoesNotContain(buckets, bucket => bucket == Bucket.OfAccount(new UserId(first)));
    }
}
