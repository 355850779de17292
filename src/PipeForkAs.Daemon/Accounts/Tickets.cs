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
/// <param name="time">The time of day, which also counts while a virtual machine is paused.</param>
/// <param name="configuration">Says how long a ticket is valid.</param>
/// <param name="users">The user database.</param>
/// <param name="shadow">Returns the shadow entry of an account's name; null if there is none.</param>
/// <param name="maySignIn">Whether a caller may sign a user in.</param>
/// <param name="sinceBoot">The time since the start, also while suspended; the time of day can be set back.</param>
internal sealed class Tickets(
    TimeProvider time, CurrentConfiguration configuration, IUserDatabase users, Func<string, Bucket, ValueTask<ShadowEntry?>> shadow,
    Func<Caller, Account, ValueTask<bool>> maySignIn, Func<TimeSpan> sinceBoot)
{
    /// <summary>The most tickets of one caller for one user; the next one ends the oldest.</summary>
    private const int MaxPerUser = 64;

    private const int Bytes = 32;

    /// <summary>By the digest: how long a search takes says nothing of a ticket that is nearly right.</summary>
    private readonly Dictionary<string, Ticket> byDigest = new(StringComparer.Ordinal);

    private string? service = configuration.Policy.SignIn.PamService;
    private HashSet<string> callers = [.. configuration.Policy.SignIn.Callers];

    /// <summary>The number of tickets, including those that have ended since the last one was issued.</summary>
    public int Count => byDigest.Count;

    /// <summary>Issues a ticket.</summary>
    /// <param name="caller">The caller that may use it.</param>
    /// <param name="account">The account of the user.</param>
    /// <param name="passwordMark">The mark of the user's password before PAM was asked; null if there is none.</param>
    /// <param name="asked">The PAM service that accepted the password.</param>
    /// <exception cref="RefusedException">Another service decides now.</exception>
    public SignInTicket Issue(Caller caller, Account account, ulong? passwordMark, string asked)
    {
        if (configuration.Policy.SignIn.PamService != asked)
            throw new RefusedException(ReplyCode.Denied, "Policy:SignIn:PamService changed during the sign-in; sign in again");
        TimeSpan validity = configuration.Policy.SignIn.TicketTime;
        DateTime now = time.GetUtcNow().UtcDateTime;
        var user = new SignedInUser(account.Name, new UserId(account.Uid));
        MakeRoom(caller, user);
        string text = Base64Url.EncodeToString(Libc.getrandom(Bytes));
        byDigest.Add(DigestOf(text), new Ticket(caller.Uid, user, passwordMark, sinceBoot(), now) { Validity = validity });
        return new SignInTicket(
            text, account.Name, account.Uid, new DateTimeOffset(now + validity, TimeSpan.Zero), validity.TotalSeconds);
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
        if (!HasExpired(ticket, sinceBoot(), time.GetUtcNow().UtcDateTime) && await IsSameAccountAsync(ticket, caller))
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

    /// <summary>
    /// Ends all tickets if a reload changed the PAM service, or switched it off, because they prove what another service accepted; and if
    /// it removed a caller, who must not have them again after another reload. A shorter time stays in effect in the same way.
    /// </summary>
    public void Reloaded()
    {
        SignInOptions options = configuration.Policy.SignIn;
        if (service != options.PamService || !callers.IsSubsetOf(options.Callers))
            byDigest.Clear();
        (service, callers) = (options.PamService, [.. options.Callers]);
        foreach (Ticket ticket in byDigest.Values.Where(ticket => ticket.Validity > options.TicketTime))
            ticket.Validity = options.TicketTime;
    }

    private static bool HasExpired(Ticket ticket, TimeSpan now, DateTime timeOfDay) =>
        now - ticket.Issued >= ticket.Validity || timeOfDay - ticket.IssuedAt >= ticket.Validity;

    /// <summary>
    /// Whether the account is that of the sign-in, and not one that was added later with the same name and uid, and the caller may still
    /// sign its user in.
    /// </summary>
    private async ValueTask<bool> IsSameAccountAsync(Ticket ticket, Caller caller)
    {
        Account? account = await users.FindAsync(UserSelector.ById(ticket.User.Uid), caller.Bucket);
        return account is not null && account.Uid == ticket.User.Uid.Value
            && string.Equals(account.Name, ticket.User.Name, StringComparison.Ordinal)
            && (await shadow(account.Name, caller.Bucket))?.PasswordMark == ticket.PasswordMark
            && await maySignIn(caller, account);
    }

    private void MakeRoom(Caller caller, SignedInUser user)
    {
        (string Digest, TimeSpan Issued)? oldest = null;
        (TimeSpan now, DateTime timeOfDay) = (sinceBoot(), time.GetUtcNow().UtcDateTime);
        int count = 0;
        foreach ((string digest, Ticket ticket) in byDigest)
        {
            if (HasExpired(ticket, now, timeOfDay))
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

    /// <param name="Caller">The uid of the caller.</param>
    /// <param name="User">The user.</param>
    /// <param name="PasswordMark">The mark of the user's password; null if there is no shadow entry.</param>
    /// <param name="Issued">The time since the start of the machine.</param>
    /// <param name="IssuedAt">The same as time of day, in UTC.</param>
    private sealed record Ticket(UserId Caller, SignedInUser User, ulong? PasswordMark, TimeSpan Issued, DateTime IssuedAt)
    {
        /// <summary>How long the ticket is valid. A reload can shorten it, and does not lengthen it.</summary>
        public TimeSpan Validity { get; set; }
    }
}
