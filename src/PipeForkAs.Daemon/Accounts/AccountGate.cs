using PipeForkAs.Daemon.Callers;
using PipeForkAs.Daemon.Configuration;
using PipeForkAs.Daemon.EventLoop;
using PipeForkAs.Daemon.Fairness;
using PipeForkAs.Daemon.Users;
using PipeForkAs.LibC;
using PipeForkAs.Protocol.Client;
using PipeForkAs.Protocol.Worker;

namespace PipeForkAs.Daemon.Accounts;

/// <summary>
/// Refuses disabled accounts: no job runs as a user who can no longer log in. Every lookup that can block runs off the loop, with a
/// deadline; the gate refuses an account without an answer.
/// </summary>
/// <param name="loop">The loop.</param>
/// <param name="turns">Shares the loop's time.</param>
/// <param name="configuration">Says which checks to make, and how long they can take.</param>
/// <param name="shadow">Returns the shadow entry of a name; called on a thread that can block.</param>
/// <param name="pam">Returns the answer of a PAM service for a name: null if the account may be used.</param>
internal sealed class AccountGate(
    Loop loop, FairTurns turns, CurrentConfiguration configuration, Func<string, ShadowEntry?> shadow, Func<string, string,
    Task<string?>> pam)
{
    /// <summary>Files whose change ends the use of cached shadow entries at once, whatever their age.</summary>
    private static readonly string[] ShadowFiles = ["/etc/shadow", "/etc/nsswitch.conf"];

    /// <summary>The same for answers of PAM: also the folder of its services, whose time changes when a file in it is replaced.</summary>
    private static readonly string[] PamFiles = [.. ShadowFiles, "/etc/passwd", "/etc/group", "/etc/pam.d"];

    private readonly LookUps<string, ShadowEntry?> shadowEntries = new(
        loop, turns, configuration, "the shadow database", ShadowFiles,
        name => LookUps.OnThread(() => Ask(shadow, name)));

    private readonly LookUps<(string Service, string Name), string?> refusals = new(
        loop, turns, configuration, "PAM", PamFiles, asked => pam(asked.Service, asked.Name));

    /// <summary>Checks an account.</summary>
    /// <param name="account">The account.</param>
    /// <param name="bucket">The bucket of the caller whose job would run as it.</param>
    /// <exception cref="RefusedException">The account is disabled; the message says why.</exception>
    /// <exception cref="UserLookupException">There is no answer in time.</exception>
    public async ValueTask ThrowIfDisabledAsync(Account account, Bucket bucket)
    {
        if (await DisabledProblemAsync(account, bucket) is { } problem)
            throw new RefusedException(ReplyCode.Denied, problem);
        if (configuration.Policy.PamService is { } service && await refusals.FindAsync((service, account.Name), bucket) is { } refusal)
            throw new RefusedException(
                ReplyCode.Denied,
                $"the account \"{account.Name}\" is refused by the PAM service \"{service}\": {refusal} (Policy:PamService)");
    }

    /// <summary>Returns why the account's own entries disable it; null if they do not. PAM is not asked.</summary>
    /// <param name="account">The account.</param>
    /// <param name="bucket">The bucket of the caller that needs it.</param>
    /// <exception cref="UserLookupException">There is no answer in time.</exception>
    public async ValueTask<string?> DisabledProblemAsync(Account account, Bucket bucket)
    {
        if (!configuration.Policy.RefuseDisabledAccounts)
            return null;
        var today = DateOnly.FromDateTime(loop.Time.GetUtcNow().UtcDateTime);
        string? problem = DisabledAccount.ShellProblem(account.Shell)
            ?? DisabledAccount.ShadowProblem(await shadowEntries.FindAsync(account.Name, bucket), today);
        return problem is null ? null : $"the account \"{account.Name}\" is disabled: {problem} (Policy:RefuseDisabledAccounts)";
    }

    /// <summary>Returns the shadow entry of an account; null if there is none.</summary>
    /// <param name="name">The name of the account.</param>
    /// <param name="bucket">The bucket of the caller that needs it.</param>
    /// <exception cref="UserLookupException">There is no answer in time.</exception>
    public ValueTask<ShadowEntry?> ShadowOfAsync(string name, Bucket bucket) => shadowEntries.FindAsync(name, bucket);

    private static ShadowEntry? Ask(Func<string, ShadowEntry?> shadow, string name)
    {
        try
        {
            return shadow(name);
        }
        catch (SystemCallException failure) when (failure.Errno == Errno.EACCES)
        {
            const string Hint = "if its mode excludes root, the daemon's unit needs CAP_DAC_READ_SEARCH";
            throw new UserLookupException($"the shadow database failed: {failure.Message}; {Hint}", failure);
        }
    }
}
