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
        var session = new Session(Secret.Digest(id), account, expires, options.MaxRequestsPerSession) { LastUsed = time.GetUtcNow() };
        lock (creation)
        {
            Session[] own = [.. sessions.Values.Where(other => other.Account.Name == account.Name).OrderBy(other => other.LastUsed)];
            foreach (Session oldest in own.Take(own.Length - options.MaxSessionsPerUser + 1))
                End(oldest, "the user has more sessions than MaxSessionsPerUser");
            if (sessions.Count >= options.MaxSessions && sessions.Values.MinBy(other => other.LastUsed) is { } idlest)
                End(idlest, "there are more sessions than MaxSessions");
            sessions[session.Key] = session;
        }

        return (id, session);
    }

    /// <summary>Returns the session of a cookie; null if there is none or if it has ended.</summary>
    public Session? Find(string? id)
    {
        if (string.IsNullOrEmpty(id) || id.Length > 100 || !sessions.TryGetValue(Secret.Digest(id), out Session? session))
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
    }

    /// <summary>Ends all sessions.</summary>
    public void EndAll(string reason)
    {
        foreach (Session session in sessions.Values)
            End(session, reason);
    }

    /// <summary>Takes the next ended session whose ticket has not been ended.</summary>
    public bool TakeEnded(out (Session Session, string Reason) next) => ended.TryDequeue(out next);

    private string? ReasonToEnd(Session session, DateTimeOffset now) =>
        now >= session.Expires ? "its time is over"
        : !session.IsBusy && now - session.LastUsed >= IdleTime ? "it was idle"
        : null;
}
