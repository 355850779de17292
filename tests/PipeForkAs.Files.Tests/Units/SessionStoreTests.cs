using PipeForkAs.Files.Jobs;
using PipeForkAs.Files.Sessions;
using PipeForkAs.Files.Settings;

namespace PipeForkAs.Files.Tests.Units;

public sealed class SessionStoreTests
{
    private readonly Clock clock = new();
    private readonly SessionStore store;

    public SessionStoreTests() =>
        store = new SessionStore(new FilesOptions { IdleMinutes = 30, MaxSessions = 4, MaxSessionsPerUser = 2 }, clock);

    [Fact]
    public void A_session_is_found_by_its_secret_alone()
    {
        (string id, Session session) = Begin("alice");
        Assert.Same(session, store.Find(id));
        Assert.Null(store.Find(session.Key));
        Assert.Null(store.Find(id[..^1]));
        Assert.Null(store.Find(""));
        Assert.Null(store.Find(null));
        Assert.Null(store.Find(new string('a', 100_000)));
    }

    [Fact]
    public void An_idle_session_ends_and_a_used_one_does_not()
    {
        (string idle, _) = Begin("alice");
        (string used, _) = Begin("bob");
        clock.Advance(TimeSpan.FromMinutes(29));
        Assert.NotNull(store.Find(used));
        clock.Advance(TimeSpan.FromMinutes(29));
        Assert.Null(store.Find(idle));
        Assert.NotNull(store.Find(used));
        Assert.True(store.TakeEnded(out (Session Session, string Reason) ended));
        Assert.Equal(("alice", "it was idle"), (ended.Session.Account.Name, ended.Reason));
    }

    [Fact]
    public async Task A_session_with_a_request_in_progress_is_not_idle()
    {
        (string id, Session session) = Begin("alice");
        await session.EnterAsync(false, TestContext.Current.CancellationToken);
        clock.Advance(TimeSpan.FromHours(2));
        store.EndExpired();
        session.Leave(false, clock.GetUtcNow());
        Assert.NotNull(store.Find(id));
    }

    [Fact]
    public void A_session_ends_at_the_latest_with_its_ticket()
    {
        (string id, _) = Begin("alice");
        for (int round = 0; round < 23; round++)
        {
            clock.Advance(TimeSpan.FromMinutes(20));
            Assert.NotNull(store.Find(id));
        }

        clock.Advance(TimeSpan.FromMinutes(20));
        store.EndExpired();
        Assert.Equal(0, store.Count);
    }

    [Fact]
    public void Another_sign_in_ends_the_oldest_session_of_a_user_with_too_many()
    {
        string[] ids = [.. Enumerable.Range(0, 3).Select(_ =>
        {
            clock.Advance(TimeSpan.FromSeconds(1));
            return Begin("alice").Id;
        })];
        Assert.Equal([false, true, true], ids.Select(id => store.Find(id) is not null));
    }

    [Fact]
    public void The_sessions_of_all_users_have_a_limit()
    {
        for (int user = 0; user < 10; user++)
            Begin($"user-{user}");
        Assert.Equal(4, store.Count);
    }

    [Fact]
    public void A_user_of_a_proxy_has_one_session_that_no_cookie_reaches()
    {
        Session session = store.OfProxy("alice", clock.GetUtcNow().AddHours(12));
        for (int request = 0; request < 100; request++)
            Assert.Same(session, store.OfProxy("alice", clock.GetUtcNow().AddHours(12)));
        Assert.Equal(1, store.Count);
        Assert.NotEqual(session.Token, store.OfProxy("bob", clock.GetUtcNow().AddHours(12)).Token);
        Assert.Null(store.Find(session.Key));
        Assert.Null(store.Find("alice"));
        clock.Advance(TimeSpan.FromMinutes(31));
        Assert.NotSame(session, store.OfProxy("alice", clock.GetUtcNow().AddHours(12)));
    }

    [Fact]
    public void A_session_and_its_account_do_not_show_their_secrets()
    {
        (_, Session session) = Begin("alice");
        Assert.Equal("alice", session.Account.ToString());
        Assert.Equal(43, session.Token.Length);
    }

    [Fact]
    public async Task Transfers_of_all_sessions_of_a_user_leave_two_slots_for_pages()
    {
        CancellationToken cancellation = TestContext.Current.CancellationToken;
        (_, Session first) = Begin("alice");
        (_, Session second) = Begin("alice");
        (_, Session other) = Begin("bob");
        for (int transfer = 0; transfer < 6; transfer++)
            await (transfer % 2 == 0 ? first : second).EnterAsync(true, cancellation);
        Task waiting = second.EnterAsync(true, cancellation);
        await first.EnterAsync(false, cancellation);
        await second.EnterAsync(false, cancellation);
        Task page = first.EnterAsync(false, cancellation);
        await other.EnterAsync(true, cancellation);
        Assert.False(waiting.IsCompleted || page.IsCompleted);
        first.Leave(false, clock.GetUtcNow());
        await page;
        first.Leave(true, clock.GetUtcNow());
        await waiting;
    }

    [Fact]
    public async Task Requests_of_an_ended_session_still_count_for_the_user()
    {
        CancellationToken cancellation = TestContext.Current.CancellationToken;
        (_, Session former) = Begin("alice");
        for (int transfer = 0; transfer < 6; transfer++)
            await former.EnterAsync(true, cancellation);
        store.End(former, "the user signed out");
        store.EndExpired();
        (_, Session next) = Begin("alice");
        Task waiting = next.EnterAsync(true, cancellation);
        Assert.False(waiting.IsCompleted);
        former.Leave(true, clock.GetUtcNow());
        await waiting;
    }

    [Fact]
    public async Task A_user_has_a_limit_of_waiting_requests_and_gives_up_slots_of_cancelled_ones()
    {
        (_, Session session) = Begin("alice");
        using var stop = new CancellationTokenSource();
        Task[] waiting = [.. Enumerable.Range(0, 72).Select(_ => session.EnterAsync(true, stop.Token))];
        FileProblem refused = await Assert.ThrowsAsync<FileProblem>(() => session.EnterAsync(false, TestContext.Current.CancellationToken));
        Assert.Equal(503, refused.Status);
        await stop.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => Task.WhenAll(waiting));
        await session.EnterAsync(false, TestContext.Current.CancellationToken);
        await session.EnterAsync(false, TestContext.Current.CancellationToken);
    }

    private (string Id, Session Session) Begin(string user) => store.Create(new Account(user, "ticket"), clock.GetUtcNow().AddHours(8));

    private sealed class Clock : TimeProvider
    {
        private DateTimeOffset now = DateTimeOffset.UnixEpoch;

        public void Advance(TimeSpan time) => now += time;

        public override DateTimeOffset GetUtcNow() => now;
    }
}
