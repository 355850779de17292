using System.Text.Json;
using PipeForkAs.Daemon.Accounts;
using PipeForkAs.Daemon.Auditing;
using PipeForkAs.Daemon.Authorization;
using PipeForkAs.Daemon.Callers;
using PipeForkAs.Daemon.Configuration;
using PipeForkAs.Daemon.EventLoop;
using PipeForkAs.Daemon.Fairness;
using PipeForkAs.Daemon.Listening;
using PipeForkAs.Daemon.Replying;
using PipeForkAs.Daemon.Users;
using PipeForkAs.LibC;
using PipeForkAs.Protocol.Client;
using PipeForkAs.Protocol.Worker;

namespace PipeForkAs.Daemon.Requests;

/// <summary>Answers <c>sign-in</c> and <c>sign-out</c>.</summary>
internal sealed class SignInHandler(
    Loop loop, CurrentConfiguration configuration, Audit audit, IAuthorizer authorizer, IUserDatabase users, AccountGate accounts,
    PasswordCheck passwords, Tickets tickets, FairTurns turns, Func<bool> isEnding)
{
    /// <summary>
    /// The most questions to PAM at once: each has a process, which sleeps after a wrong password. One bucket leaves places for others.
    /// </summary>
    private const int Places = 32, PlacesOfOneBucket = 24;

    private readonly SignInFailures failures = new(loop.Time, configuration);
    private readonly FairGate gate = new(loop, Places, PlacesOfOneBucket);

    /// <summary>Asks PAM whether the bytes after the line are the user's password, and replies with a ticket.</summary>
    /// <exception cref="RefusedException">The caller may not ask, the password is wrong, or the account may not be used.</exception>
    /// <exception cref="UserLookupException">PAM or a database did not answer in time.</exception>
    public async ValueTask<EndRecord> SignInAsync(Connection client, ReceivedRequest received, Reply reply, AuditTrail trail)
    {
        Caller caller = client.Caller;
        string name = received.Request.User!;
        SignInOptions options = configuration.Policy.SignIn;
        string service = options.PamService
            ?? throw new RefusedException(ReplyCode.Denied, "users cannot sign in here (Policy:SignIn:PamService is not set)");
        await ThrowIfMayNotSignInAsync(caller);
        audit.ThrowIfUnwritable();
        using SignInFailures.Attempt attempt = failures.Begin(caller.Bucket, name);
        using FileDescriptor password = await PasswordReader.ReceiveAsync(
            client, received, PasswordCheck.MaxPasswordBytes, configuration.Limits.RequestTimeout);
        (Account? account, ulong? mark, string? problem) = await AccountAsync(caller, name);
        (PasswordAnswer answer, string words) = await AskAsync(
            caller, service, name, password, isRefused: account is null, options.Timeout, attempt);
        if (answer == PasswordAnswer.Unknown)
            throw new UserLookupException($"the PAM service \"{service}\" cannot check the password: {words}");
        if (account is null || answer == PasswordAnswer.Wrong)
        {
            trail.Decision = Decision.Deny(problem ?? $"the PAM service \"{service}\": {words}");
            throw new RefusedException(ReplyCode.Denied, $"the user name \"{name}\" or the password is wrong");
        }

        // The caller has the right password: it may know more.
        attempt.Succeed();
        if (answer == PasswordAnswer.AccountRefused)
            throw new RefusedException(ReplyCode.Denied, $"the account \"{name}\" is refused by the PAM service \"{service}\": {words}");
        await accounts.ThrowIfDisabledAsync(account, caller.Bucket);

        // A reload that removed the caller meanwhile has ended its other tickets.
        await ThrowIfMayNotSignInAsync(caller);
        if (isEnding())
            throw Ending();
        SignInTicket ticket = tickets.Issue(caller, account, mark, service);
        byte[] output = received.Request.Reply == ReplyForm.Frames
            ? JsonSerializer.SerializeToUtf8Bytes(ticket, SignInTicketJson.Default.SignInTicket)
            : System.Text.Encoding.ASCII.GetBytes($"{ticket.Ticket}\n");
        await reply.WriteAsync(output);
        return new EndRecord { Code = ReplyCode.Ok, User = account.Name, Uid = account.Uid, Stdout = output.Length };
    }

    private async ValueTask ThrowIfMayNotSignInAsync(Caller caller)
    {
        if (!await authorizer.MaySignInAsync(caller))
            throw new RefusedException(ReplyCode.Denied, $"the policy does not allow uid {caller.Uid} to sign users in");
    }

    private static RefusedException Ending() =>
        new(ReplyCode.ShuttingDown, "the daemon is stopping, which ends all tickets; sign in again");

    /// <summary>Ends a ticket. A caller does not learn whether it was valid.</summary>
    public EndRecord SignOut(Caller caller, Request request)
    {
        SignedInUser? user = tickets.End(caller, request.Ticket!);
        return new EndRecord { Code = ReplyCode.Ok, User = user?.Name, Uid = user?.Uid.Value };
    }

    /// <summary>
    /// Asks PAM. Each end of that question counts as a failure, except that the password is right: modules can report a wrong password as
    /// an error of their own, and their delay after it can exceed the timeout.
    /// </summary>
    private async ValueTask<(PasswordAnswer Answer, string Words)> AskAsync(
        Caller caller, string service, string name, FileDescriptor password, bool isRefused, TimeSpan timeout,
        SignInFailures.Attempt attempt)
    {
        var late = new TaskCompletionSource();
        using LoopTimer patience = loop.Schedule(timeout, late.SetResult);
        if (!await gate.EnterAsync(caller.Bucket, late.Task))
        {
            // A thousand can wait as long as this one.
            await turns.EnterAsync(caller.Bucket);
            throw new RefusedException(ReplyCode.Busy, "too many sign-ins are in progress; try again");
        }

        bool isRight = true;
        try
        {
            Account? requester = await users.FindAsync(UserSelector.ById(caller.Uid), caller.Bucket);

            // Starting a process takes a part of the loop's time.
            await turns.EnterAsync(caller.Bucket);
            isRight = false;
            (PasswordAnswer answer, string words) = await passwords.AskAsync(
                service, name, requester?.Name ?? caller.Uid.ToString(), password, isRefused, timeout);
            isRight = answer is PasswordAnswer.Right or PasswordAnswer.AccountRefused;
            return (answer, words);
        }
        catch (UserLookupException) when (isEnding())
        {
            throw Ending();
        }
        finally
        {
            if (!isRight)
                attempt.Fail();
            gate.Leave(caller.Bucket);
        }
    }

    /// <summary>
    /// Returns the account to which the name and its uid lead, and the mark of its password; without an account, why nobody signs in by
    /// this name. PAM does not get a password for such a name: the reply would tell that it is right, also for root, disabled accounts and
    /// all users for whom no rule can require a ticket, and other letters of one name would give more attempts. The mark is that of a time
    /// before PAM is asked, so that a password that is changed meanwhile ends the ticket.
    /// </summary>
    private async ValueTask<(Account? Account, ulong? Mark, string? Problem)> AccountAsync(Caller caller, string name)
    {
        Account? account = await users.FindAsync(UserSelector.Parse(name), caller.Bucket);
        Account? own = account is null ? null : await users.FindAsync(UserSelector.ById(new UserId(account.Uid)), caller.Bucket);
        ShadowEntry? entry = await accounts.ShadowOfAsync(name, caller.Bucket);
        if (account is null || own is null || account.Uid != own.Uid || own.Name != name || account.Name != name)
            return (null, null, $"\"{name}\" is not the name of an account with a uid of its own");
        string? problem = await authorizer.MaySignInAsync(caller, account)
            ? await accounts.DisabledProblemAsync(account, caller.Bucket)
            : $"no rule with RequireSignIn can let uid {caller.Uid} act as \"{name}\"";
        return problem is null ? (account, entry?.PasswordMark, null) : (null, null, problem);
    }
}
