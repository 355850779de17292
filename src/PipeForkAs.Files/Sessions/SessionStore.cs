using System.Collections.Concurrent;
using PipeForkAs.Files.Jobs;
using PipeForkAs.Files.Settings;

namespace PipeForkAs.Files.Sessions;

/// <summary>The sessions, in memory alone: tickets are on no disk and in no cookie, the end of a session ends its ticket, and a restart of
/// the page signs everybody out.
/// </summary>
internal sealed class SessionStore(FilesOptions options, TimeProvider time)
{
    private readonly ConcurrentDictionary<string, Session> sessions = new();
    private readonly Dictionary<string, RequestSlots> slots = [];
    private readonly ConcurrentQueue<(Session Session, string Reason)> ended = new();
    private readonly Lock creation = new();

    /// <summary>The number of sessions.</summary>
    public int Count => sessions.Count;

    private TimeSpan IdleTime => TimeSpan.FromMinutes(options.IdleMinutes);

    /// <summary>Begins a session.</summary>
    /// <param name="account">For whom jobs run.</param>
    /// <param name="expires">When it ends at the latest.</param>
    /// <returns>The value of the cookie, and the session.</returns>
    public (string Id, Session Session) Create(Account account, DateTimeOffset expires)
    {
        string id = Secret.Create();
        lock (creation)
            return (id, Add(Secret.Digest(id), account, expires));
    }

    /// <summary>Returns the one session of a user whom the proxy names in each request. It has no cookie: browsers do not send one with
    /// requests that pages of other sites cause, each of which would begin a session and end the user's oldest one.
    /// </summary>
    public Session OfProxy(string user, DateTimeOffset expires)
    {
        // A digest, which is the key of all other sessions, has no space.
        string key = $"proxy {user}";
        lock (creation)
            return Use(key) ?? Add(key, new Account(user, null), expires);
    }

    /// <summary>Returns the session of a cookie; null if there is none or if it has ended.</summary>
    public Session? Find(string? id) => string.IsNullOrEmpty(id) || id.Length > 100 ? null : Use(Secret.Digest(id));

    /// <summary>Ends a session; its ticket is the caller's to end, from <see cref="TakeEnded"/>.</summary>
    public void End(Session session, string reason)
    {
        if (sessions.TryRemove(session.Key, out _))
            ended.Enqueue((session, reason));
    }

    /// <summary>Ends the sessions whose time is over.</summary>
    public void EndExpired()
    {
        DateTimeOffset now = time.GetUtcNow();
        foreach (Session session in sessions.Values)
        {
            if (ReasonToEnd(session, now) is { } reason)
                End(session, reason);
        }

        ForgetSlots();
    }

    /// <summary>Ends all sessions.</summary>
    public void EndAll(string reason)
    {
        foreach (Session session in sessions.Values)
            End(session, reason);
    }

    /// <summary>Takes the next ended session whose ticket has not been ended.</summary>
    public bool TakeEnded(out (Session Session, string Reason) next) => ended.TryDequeue(out next);

    /// <summary>Forgets users without a session. Requests can outlive their session: until they end, another sign-in gets no more slots.
    /// </summary>
    private void ForgetSlots()
    {
        lock (creation)
        {
            var present = sessions.Values.Select(session => session.Account.Name).ToHashSet();
            foreach ((string user, RequestSlots former) in slots)
            {
                if (former.IsIdle && !present.Contains(user))
                    slots.Remove(user);
            }
        }
    }

    private Session? Use(string key)
    {
        if (!sessions.TryGetValue(key, out Session? session))
            return null;
        DateTimeOffset now = time.GetUtcNow();
        if (ReasonToEnd(session, now) is { } reason)
        {
            End(session, reason);
            return null;
        }

        session.LastUsed = now;
        return session;
    }

    private Session Add(string key, Account account, DateTimeOffset expires)
    {
        if (!slots.TryGetValue(account.Name, out RequestSlots? shared))
            slots[account.Name] = shared = new RequestSlots(options.MaxRequestsPerUser);
        var session = new Session(key, account, expires, shared) { LastUsed = time.GetUtcNow() };
        Session[] own = [.. sessions.Values.Where(other => other.Account.Name == account.Name).OrderBy(other => other.LastUsed)];
        foreach (Session oldest in own.Take(own.Length - options.MaxSessionsPerUser + 1))
            End(oldest, "the user has more sessions than MaxSessionsPerUser");
        if (sessions.Count >= options.MaxSessions && sessions.Values.MinBy(other => other.LastUsed) is { } idlest)
            End(idlest, "there are more sessions than MaxSessions");
        sessions[key] = session;
        return session;
    }

    private string? ReasonToEnd(Session session, DateTimeOffset now) =>
        now >= session.Expires ? "its time is over"
        : !session.IsBusy && now - session.LastUsed >= IdleTime ? "it was idle"
        : null;
}
