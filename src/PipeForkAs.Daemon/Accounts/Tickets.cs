using System.Buffers.Text;
using System.Text;
using PipeForkAs.Daemon.Callers;
using PipeForkAs.Daemon.Configuration;
using PipeForkAs.Daemon.Digests;
using PipeForkAs.Daemon.Fairness;
using PipeForkAs.Daemon.Users;
using PipeForkAs.LibC;
using PipeForkAs.Protocol.Client;
using PipeForkAs.Protocol.Worker;

namespace PipeForkAs.Daemon.Accounts;

/// <summary>
/// The tickets of users who have signed in. The daemon keeps only a digest of each, in memory: its end ends all tickets. A ticket belongs
/// to the uid of the caller that got it, and to one account: when that account is removed, or gets another password, the ticket has ended.
/// </summary>
/// <param name="time">The clock.</param>
/// <param name="configuration">Says how long a ticket is valid.</param>
/// <param name="users">The user database.</param>
/// <param name="shadow">Returns the shadow entry of an account's name; null if there is none.</param>
internal sealed class Tickets(
    TimeProvider time, CurrentConfiguration configuration, IUserDatabase users, Func<string, Bucket, ValueTask<ShadowEntry?>> shadow)
{
    /// <summary>The most tickets of one caller for one user; the next one ends the oldest.</summary>
    private const int MaxPerUser = 64;

    private const int Bytes = 32;

    /// <summary>By the digest: how long a search takes says nothing of a ticket that is nearly right.</summary>
    private readonly Dictionary<string, Ticket> byDigest = new(StringComparer.Ordinal);

    /// <summary>The number of tickets, including those that have ended since the last one was issued.</summary>
    public int Count => byDigest.Count;

    /// <summary>Issues a ticket.</summary>
    /// <param name="caller">The caller that may use it.</param>
    /// <param name="account">The account of the user.</param>
    /// <exception cref="UserLookupException">The shadow database did not answer.</exception>
    public async ValueTask<SignInTicket> IssueAsync(Caller caller, Account account)
    {
        ShadowEntry? entry = await shadow(account.Name, caller.Bucket);
        TimeSpan validity = configuration.Policy.SignIn.TicketTime;
        long now = time.GetTimestamp();
        var user = new SignedInUser(account.Name, new UserId(account.Uid));
        MakeRoom(caller, user);
        string text = Base64Url.EncodeToString(Libc.getrandom(Bytes));
        byDigest.Add(DigestOf(text), new Ticket(caller.Uid, user, entry?.PasswordMark, now, now + Ticks(validity)));
        return new SignInTicket(
            text, account.Name, account.Uid, new DateTimeOffset(time.GetUtcNow().UtcDateTime + validity, TimeSpan.Zero),
            validity.TotalSeconds);
    }

    /// <summary>Returns the user of a ticket; null if the ticket is not valid for this caller.</summary>
    /// <param name="caller">The caller.</param>
    /// <param name="text">The ticket.</param>
    /// <exception cref="UserLookupException">A database did not answer, so the ticket may or may not be valid.</exception>
    public async ValueTask<SignedInUser?> FindAsync(Caller caller, string text)
    {
        string digest = DigestOf(text);
        if (configuration.Policy.SignIn.PamService is null || !byDigest.TryGetValue(digest, out Ticket? ticket)
            || ticket.Caller != caller.Uid)
            return null;
        if (time.GetTimestamp() < ticket.Expires && await IsSameAccountAsync(ticket, caller.Bucket))
            return byDigest.ContainsKey(digest) ? ticket.User : null;
        byDigest.Remove(digest);
        return null;
    }

    /// <summary>Ends a ticket of a caller. Returns its user; null if the ticket is not one of this caller.</summary>
    public SignedInUser? End(Caller caller, string text)
    {
        string digest = DigestOf(text);
        if (!byDigest.TryGetValue(digest, out Ticket? ticket) || ticket.Caller != caller.Uid)
            return null;
        byDigest.Remove(digest);
        return ticket.User;
    }

    /// <summary>Whether the account is that of the sign-in, and not one that was added later with the same name and uid.</summary>
    private async ValueTask<bool> IsSameAccountAsync(Ticket ticket, Bucket bucket)
    {
        Account? account = await users.FindAsync(UserSelector.ById(ticket.User.Uid), bucket);
        return account is not null && account.Uid == ticket.User.Uid.Value
            && string.Equals(account.Name, ticket.User.Name, StringComparison.Ordinal)
            && (await shadow(account.Name, bucket))?.PasswordMark == ticket.PasswordMark;
    }

    private void MakeRoom(Caller caller, SignedInUser user)
    {
        long now = time.GetTimestamp();
        (string Digest, long Issued)? oldest = null;
        int count = 0;
        foreach ((string digest, Ticket ticket) in byDigest)
        {
            if (ticket.Expires <= now)
            {
                byDigest.Remove(digest);
                continue;
            }

            if (ticket.Caller != caller.Uid || ticket.User != user)
                continue;
            count++;
            if (oldest is not { } known || ticket.Issued < known.Issued)
                oldest = (digest, ticket.Issued);
        }

        if (count >= MaxPerUser)
            byDigest.Remove(oldest!.Value.Digest);
    }

    /// <summary>The digest of the text and not of the bits: of some texts a decoder reads the same bits.</summary>
    private static string DigestOf(string text) => Convert.ToHexString(Sha256.Hash(Encoding.ASCII.GetBytes(text)));

    private long Ticks(TimeSpan span) => (long)(span.TotalSeconds * time.TimestampFrequency);

    private sealed record Ticket(UserId Caller, SignedInUser User, ulong? PasswordMark, long Issued, long Expires);
}
