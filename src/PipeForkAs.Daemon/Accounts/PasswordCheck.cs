using PipeForkAs.Daemon.Users;
using PipeForkAs.LibC;

namespace PipeForkAs.Daemon.Accounts;

/// <summary>
/// What PAM says of a password; the exit code of the process that asks. A module that calls exit(3) must not look like an answer.
/// </summary>
internal enum PasswordAnswer
{
    /// <summary>It is that of an account that may be used.</summary>
    Right = 30,

    /// <summary>The name or the password is wrong; PAM does not say which.</summary>
    Wrong = 31,

    /// <summary>The password is right, and the account may not be used.</summary>
    AccountRefused = 32,

    /// <summary>PAM cannot say.</summary>
    Unknown = 33,
}

/// <summary>
/// Asks PAM whether a password is that of a user. The password goes through a pipe, and the names go through the environment: all users
/// can see the arguments of a process, and sometimes a user types the password where the name should be.
/// </summary>
internal sealed class PasswordCheck(PamProcess process)
{
    /// <summary>
    /// The argument that makes the daemon's executable do the check; the service follows it. The password is its standard input.
    /// </summary>
    public const string Argument = "--check-password-by-pam";

    private const string UserVariable = "PIPEFORKAS_USER", RequesterVariable = "PIPEFORKAS_REQUESTER";
    private const string RefusedVariable = "PIPEFORKAS_REFUSED";

    /// <summary>The longest password in bytes; libpam itself takes 512 (PAM_MAX_RESP_SIZE).</summary>
    public const int MaxPasswordBytes = 1024;

    /// <summary>The codes of pam_authenticate(3) for a name or a password that is wrong; libpam's _pam_types.h.</summary>
    private static readonly int[] WrongCodes =
    [
        7, // PAM_AUTH_ERR
        8, // PAM_CRED_INSUFFICIENT
        10, // PAM_USER_UNKNOWN
        11, // PAM_MAXTRIES
        6, // PAM_PERM_DENIED
    ];

    /// <summary>Asks PAM. Completes when its process has ended.</summary>
    /// <param name="service">The PAM service.</param>
    /// <param name="user">The name of the user.</param>
    /// <param name="requester">The name of the caller, for the log of PAM's modules.</param>
    /// <param name="password">A pipe with the password.</param>
    /// <param name="isRefused">
    /// Whether the password does not matter: PAM gets another one, which is wrong, so that the answer takes as long.
    /// </param>
    /// <param name="timeout">How long PAM can take.</param>
    /// <returns>The answer, and PAM's words.</returns>
    /// <exception cref="UserLookupException">There is no answer in time.</exception>
    public async Task<(PasswordAnswer Answer, string Words)> AskAsync(
        string service, string user, string requester, FileDescriptor password, bool isRefused, TimeSpan timeout)
    {
        string[] environment = [$"{UserVariable}={user}", $"{RequesterVariable}={requester}", $"{RefusedVariable}={(isRefused ? 1 : 0)}"];
        (int code, string text) = await process.AskAsync([Argument, service], environment, password, timeout);
        return Enum.IsDefined((PasswordAnswer)code)
            ? ((PasswordAnswer)code, text)
            : throw new UserLookupException($"the process that asks PAM failed: exit code {code}");
    }

    /// <summary>
    /// The code of the separate process: asks PAM, writes PAM's words to standard output, and returns the exit code of the process.
    /// </summary>
    public static int Run(string service)
    {
        PamProcess.Enter();
        string user = Variable(UserVariable), requester = Variable(RequesterVariable);
        bool isRefused = Variable(RefusedVariable) != "0";

        // No module's crash writes the password into a file.
        Libc.prctl_set_dumpable(false);
        Span<byte> password = stackalloc byte[MaxPasswordBytes + 2];
        int length = Receive(password);
        if (length is < 0 or > MaxPasswordBytes)
        {
            PamProcess.Tell("the password did not arrive");
            return (int)PasswordAnswer.Unknown;
        }

        // C ends a text at a NUL.
        if (isRefused || password[..length].Contains((byte)0))
        {
            isRefused = true;
            length = 1;
            password[0] = 1;
        }

        password[length] = 0;
        (PamStage stage, int code, string text) = Pam.Authenticate(service, user, requester, password[..(length + 1)]);
        PasswordAnswer answer = (stage, code) switch
        {
            (PamStage.Account, _) when isRefused => PasswordAnswer.Wrong,
            (PamStage.Account, Pam.Success) => PasswordAnswer.Right,
            (PamStage.Account, _) => PasswordAnswer.AccountRefused,
            (PamStage.Authentication, _) when Array.IndexOf(WrongCodes, code) >= 0 => PasswordAnswer.Wrong,
            _ => PasswordAnswer.Unknown,
        };
        if (answer != PasswordAnswer.Right)
            PamProcess.Tell($"{text} ({code})");
        return (int)answer;
    }

    private static string Variable(string name) =>
        Environment.GetEnvironmentVariable(name) ?? throw new InvalidOperationException($"the variable {name} is not set");

    /// <summary>Reads the standard input to its end, without one newline at the end. Returns the length; -1 if it cannot be read.</summary>
    private static int Receive(Span<byte> room)
    {
#pragma warning disable CA2000 // The process keeps the descriptor open until it exits.
        var input = new FileDescriptor(0);
#pragma warning restore CA2000
        try
        {
            int length = 0;
            while (length < room.Length)
            {
                IOResult read = Libc.read(input, room[length..]);
                if (read.Failed)
                    return -1;
                if (read.Count == 0)
                    return room[..length] is [.., (byte)'\n'] ? length - 1 : length;
                length += (int)read.Count;
            }

            return length;
        }
        finally
        {
            input.Release();
        }
    }
}
