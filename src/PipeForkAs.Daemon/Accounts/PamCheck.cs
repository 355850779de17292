using PipeForkAs.Daemon.Configuration;
using PipeForkAs.Daemon.Users;
using PipeForkAs.LibC;

namespace PipeForkAs.Daemon.Accounts;

/// <summary>Asks PAM whether an account may be used.</summary>
internal sealed class PamCheck(PamProcess process, CurrentConfiguration configuration)
{
    /// <summary>The argument that makes the daemon's executable do the check; the service and the account name follow it.</summary>
    public const string Argument = "--check-account-by-pam";

    /// <summary>The exit codes of the process. A module that calls exit(3) must not look like an answer.</summary>
    private const int Accepted = 20, Refused = 21;

    /// <summary>Asks PAM. Returns null if the account may be used, otherwise PAM's message.</summary>
    /// <param name="service">The PAM service.</param>
    /// <param name="user">The account name.</param>
    /// <exception cref="UserLookupException">There is no answer in time.</exception>
    public async Task<string?> AskAsync(string service, string user) =>
        await process.AskAsync([Argument, service, user], [], null, configuration.Limits.LookupTimeout) switch
        {
            (Accepted, _) => null,
            (Refused, var text) => text,
            (var code, _) => throw new UserLookupException($"the process that asks PAM failed: exit code {code}"),
        };

    /// <summary>
    /// The code of the separate process: asks PAM, writes PAM's message to standard output, and returns the exit code of the process.
    /// </summary>
    public static int Run(string service, string user)
    {
        PamProcess.Enter();
        (int code, string text) = Pam.CheckAccount(service, user);
        if (code == Pam.Success)
            return Accepted;
        PamProcess.Tell($"{text} ({code})");
        return Refused;
    }
}
