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
        await session.EnterAsync(TestContext.Current.CancellationToken);
        clock.Advance(TimeSpan.FromHours(2));
        store.EndExpired();
        session.Leave(clock.GetUtcNow());
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
    public void A_session_and_its_account_do_not_show_their_secrets()
    {
        (_, Session session) = Begin("alice");
        Assert.Equal("alice", session.Account.ToString());
        Assert.Equal(43, session.Token.Length);
    }

    private (string Id, Session Session) Begin(string user) => store.Create(new Account(user, "ticket"), clock.GetUtcNow().AddHours(8));

    private sealed class Clock : TimeProvider
    {
        private DateTimeOffset now = DateTimeOffset.UnixEpoch;

        public void Advance(TimeSpan time) => now += time;

        public override DateTimeOffset GetUtcNow() => now;
    }
}
