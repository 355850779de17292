using FsCheck;
using FsCheck.Fluent;
using PipeForkAs.Daemon.Fairness;
using PipeForkAs.Daemon.Tests.Fakes;
using PipeForkAs.LibC;

namespace PipeForkAs.Daemon.Tests.Fairness;

public sealed class FairQueueTests
{
    private readonly FairQueue<string> queue = new();

    [Fact]
    public void Buckets_are_served_in_turn_and_the_items_of_a_bucket_in_order()
    {
        Add(TestCallers.Alice, "a1", "a2", "a3");
        Add(TestCallers.Bob, "b1");
        Add(TestCallers.Carol, "c1", "c2");
        Assert.Equal(["a1", "b1", "c1", "a2", "c2", "a3"], TakeAll());
        Assert.Equal(0, queue.Count);
        Assert.Null(queue.LastOfLongest());
    }

    [Fact]
    public void A_bucket_that_returns_waits_for_the_others_first()
    {
        Add(TestCallers.Alice, "a1");
        Add(TestCallers.Bob, "b1", "b2");
        Assert.Equal("a1", Take());
        Add(TestCallers.Alice, "a2");
        Assert.Equal(["b1", "a2", "b2"], TakeAll());
    }

    [Fact]
    public void A_blocked_bucket_keeps_its_turn()
    {
        Add(TestCallers.Alice, "a1", "a2");
        Add(TestCallers.Bob, "b1");
        Assert.True(queue.TryTake(bucket => bucket != TestCallers.Alice, out FairQueue<string>.Place? taken));
        Assert.Equal("b1", taken.Item);
        Assert.False(queue.TryTake(bucket => bucket != TestCallers.Alice, out _));
        Add(TestCallers.Carol, "c1");
        Assert.Equal(["a1", "c1", "a2"], TakeAll());
    }

    [Fact]
    public void The_newest_item_of_the_longest_queue_is_the_one_to_evict()
    {
        Add(TestCallers.Alice, "a1");
        Add(TestCallers.Bob, "b1", "b2", "b3");
        FairQueue<string>.Place last = queue.LastOfLongest()!;
        Assert.Equal("b3", last.Item);
        Assert.True(queue.Remove(last));
        Assert.False(queue.Remove(last));
        Assert.Equal(2, queue.CountOf(TestCallers.Bob));
        Assert.Equal(["a1", "b1", "b2"], TakeAll());
    }

    [Fact]
    public void A_bucket_waits_at_most_for_one_item_of_each_other_bucket()
    {
        Gen<(int Kind, int Bucket)> step = from kind in Gen.Frequency((5, Gen.Constant(0)), (3, Gen.Constant(1)), (2, Gen.Constant(2)))
                                           from bucket in Gen.Choose(1, 6)
                                           select (kind, bucket);
        Properties.Holds(step.ListOf(200), steps => Follow(steps));
    }

    /// <summary>Adds, takes and removes items. Records which other buckets were served while an item was the first of its bucket.</summary>
    private static void Follow(IEnumerable<(int Kind, int Bucket)> steps)
    {
        var queue = new FairQueue<int>();
        var lines = new Dictionary<Bucket, List<FairQueue<int>.Place>>();
        var passed = new Dictionary<Bucket, List<Bucket>>();
        int number = 0;
        foreach ((int kind, int of) in steps)
        {
            Bucket bucket = Bucket.OfAccount(new UserId((uint)of));
            List<FairQueue<int>.Place> line = lines.TryGetValue(bucket, out List<FairQueue<int>.Place>? known) ? known : lines[bucket] = [];
            if (kind == 0)
            {
                line.Add(queue.Add(bucket, number++));
            }
            else if (kind == 2 && line.Count > 0)
            {
                Assert.True(queue.Remove(line[^1]));
                line.RemoveAt(line.Count - 1);
            }
            else if (queue.TryTake(out FairQueue<int>.Place? taken))
            {
                Assert.Equal(lines[taken.Bucket][0].Item, taken.Item);
                lines[taken.Bucket].RemoveAt(0);
                passed[taken.Bucket] = [];
                foreach (Bucket waits in lines.Keys.Where(each => each != taken.Bucket && lines[each].Count > 0))
                {
                    passed[waits].Add(taken.Bucket);
                    Assert.Equal(passed[waits].Distinct(), passed[waits]);
                }
            }

            Assert.Equal(lines.Values.Sum(each => each.Count), queue.Count);
            foreach ((Bucket each, List<FairQueue<int>.Place> its) in lines)
            {
                Assert.Equal(its.Count, queue.CountOf(each));
                if (its.Count == 0 || !passed.ContainsKey(each))
                    passed[each] = [];
            }
        }
    }

    private void Add(Bucket bucket, params string[] items)
    {
        foreach (string item in items)
            queue.Add(bucket, item);
    }

    private string? Take() => queue.TryTake(out FairQueue<string>.Place? taken) ? taken.Item : null;

    private List<string> TakeAll()
    {
        var all = new List<string>();
        while (Take() is { } item)
            all.Add(item);
        return all;
    }
}
