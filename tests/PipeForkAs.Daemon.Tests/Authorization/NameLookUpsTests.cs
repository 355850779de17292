using System.Collections.Concurrent;
using PipeForkAs.Daemon.Authorization;
using PipeForkAs.LibC;

namespace PipeForkAs.Daemon.Tests.Authorization;

public sealed class NameLookUpsTests : IDisposable
{
    private readonly Names names = new();
    private readonly NameLookUps lookUps;

    public NameLookUpsTests() => lookUps = new NameLookUps(names);

    public void Dispose() => names.Released.Set();

    [Fact]
    public async Task Hanging_names_delay_no_other_names_and_have_no_answer_in_time()
    {
        PolicyName[] hanging = [.. Enumerable.Range(0, NameLookUps.MaxThreads - 1).Select(i => new PolicyName(false, $"slow{i}"))];
        var quick = new PolicyName(true, "staff");
        Dictionary<PolicyName, NameAnswer> answers = await lookUps.AskAsync([.. hanging, quick], TimeSpan.FromSeconds(1));
        Assert.Equal(new NameAnswer(NameState.Known, 50, ""), answers[quick]);
        Assert.All(hanging, name => Assert.Equal(
            (NameState.Unanswered, $"the user database did not answer about the user \"{name.Text}\" within 1 s"),
            (answers[name].State, answers[name].Problem)));
    }

    [Fact]
    public async Task The_number_of_hanging_threads_is_bounded_for_any_number_of_lookups()
    {
        PolicyName[] hanging = [.. Enumerable.Range(0, 2 * NameLookUps.MaxThreads).Select(i => new PolicyName(false, $"slow{i}"))];
        for (int i = 0; i < 5; i++)
            await lookUps.AskAsync(hanging, TimeSpan.FromMilliseconds(200));
        Assert.Equal(NameLookUps.MaxThreads, names.Asked.Count);

        // A waiting lookup starts once it has a place, and all its waiters share it.
        Task<NameAnswer>[] joined = [.. hanging.Select(name => lookUps.AskAsync(name, afresh: false))];
        names.Released.Set();
        Assert.All(await Task.WhenAll(joined).WaitAsync(TimeSpan.FromSeconds(30)), answer => Assert.Equal(NameState.Missing, answer.State));
        Assert.True(names.Asked.Count < 4 * NameLookUps.MaxThreads, $"the database was asked {names.Asked.Count} times");
    }

    [Fact]
    public async Task A_running_lookup_is_shared_unless_its_answer_could_be_outdated()
    {
        var name = new PolicyName(false, "slow");
        Task<NameAnswer> first = lookUps.AskAsync(name, afresh: true);
        await names.AskedAsync(1);
        Assert.Same(first, lookUps.AskAsync(name, afresh: false));
        Task<NameAnswer> second = lookUps.AskAsync(name, afresh: true);
        Assert.NotSame(first, second);
        await names.AskedAsync(2);
        names.Released.Set();
        Assert.Equal([NameState.Missing, NameState.Missing], (await Task.WhenAll(first, second)).Select(answer => answer.State));
    }

    [Fact]
    public async Task An_answer_that_is_older_than_the_latest_lookup_is_discarded()
    {
        var name = new PolicyName(false, "slow once");
        Task<NameAnswer> first = lookUps.AskAsync(name, afresh: true);
        await names.AskedAsync(1);
        Task<NameAnswer> second = lookUps.AskAsync(name, afresh: true);
        NameAnswer latest = await second.WaitAsync(TimeSpan.FromSeconds(30));
        Assert.Equal((NameState.Unusable, 1001u), (latest.State, latest.Id));
        Assert.Equal(latest, await first.WaitAsync(TimeSpan.FromSeconds(30)));
    }

    [Fact]
    public async Task A_failing_database_gives_no_answer_and_an_unknown_name_is_missing()
    {
        NameAnswer failed = await lookUps.AskAsync(new PolicyName(false, "failing"), afresh: true);
        Assert.Equal(NameState.Unanswered, failed.State);
        Assert.StartsWith("the user database failed for the user \"failing\": ", failed.Problem, StringComparison.Ordinal);
        Assert.Equal(
            new NameAnswer(NameState.Missing, 0, "there is no user \"none\""),
            await lookUps.AskAsync(new PolicyName(false, "none"), afresh: true));
        Assert.Equal(
            new NameAnswer(NameState.Known, 1001, ""), await lookUps.AskAsync(new PolicyName(false, "alice"), afresh: true));
        NameAnswer alias = await lookUps.AskAsync(new PolicyName(false, "alice2"), afresh: true);
        Assert.Equal((NameState.Unusable, 1001u), (alias.State, alias.Id));
    }

    private sealed class Names : INames
    {
        public ManualResetEventSlim Released { get; } = new();

        public ConcurrentQueue<string> Asked { get; } = new();

        public async Task AskedAsync(int count)
        {
            for (int i = 0; i < 3000 && Asked.Count < count; i++)
                await Task.Delay(10);
            Assert.Equal(count, Asked.Count);
        }

        public PasswordEntry? User(string name)
        {
            Asked.Enqueue(name);
            if (name == "slow once" && Asked.Count > 1)
                return Entry(name);
            if (name.StartsWith("slow", StringComparison.Ordinal))
                Assert.True(Released.Wait(TimeSpan.FromSeconds(60)), "a test did not release its lookups");
            if (name == "failing")
                Libc.chmod("/no/such/file", 0);
            return name is "alice" or "alice2" ? Entry("alice") : null;
        }

        public PasswordEntry? User(UserId uid) => Entry("alice");

        public GroupId? Group(string name) => new GroupId(50);

        private static PasswordEntry Entry(string name) => new(name, new UserId(1001), new GroupId(1001), "/", "");
    }
}
