using PipeForkAs.Files.Jobs;

namespace PipeForkAs.Files.Tests.Units;

public sealed class ListingMemoryTests
{
    private readonly ListingMemory memory = new();

    [Fact]
    public void A_user_has_a_part_of_the_memory_and_gets_it_back()
    {
        using ListingMemory.Share other = Take("bob");
        ListingMemory.Share first = Take("alice"), second = Take("alice");
        first.Grow(ListingMemory.MaxOfUser - 10);
        second.Grow(10);
        Assert.Equal(503, Assert.Throws<FileProblem>(() => second.Grow(1)).Status);
        other.Grow(ListingMemory.MaxOfUser);
        first.Dispose();
        first.Dispose();
        second.Grow(ListingMemory.MaxOfUser - 10);
        Assert.Equal(413, Assert.Throws<FileProblem>(() => second.Grow(1)).Status);
        second.Dispose();
    }

    [Fact]
    public void All_users_together_have_a_limit()
    {
        ListingMemory.Share[] shares = [.. Enumerable.Range(0, 8).Select(user => Take($"user-{user}"))];
        Assert.Throws<FileProblem>(() => Array.ForEach(shares, share => share.Grow(ListingMemory.MaxOfAll / 4)));
        Array.ForEach(shares, share => share.Dispose());
        using ListingMemory.Share last = Take("last");
        last.Grow(ListingMemory.MaxOfUser);
    }

    private ListingMemory.Share Take(string user) => memory.Take(new Account(user, null));
}
