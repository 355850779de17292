using System.Globalization;
using PipeForkAs.LibC;

[assembly: AssemblyFixture(typeof(PipeForkAs.EndToEnd.Harness.TestUsers))]
[assembly: CollectionBehavior(DisableTestParallelization = true)]

namespace PipeForkAs.EndToEnd.Harness;

/// <summary>Two users of the tests, the first with a supplementary group. They are removed after the tests.</summary>
public sealed class TestUsers : IAsyncLifetime
{
    /// <summary>Without mail, subordinate ids and login records, which userdel does not remove.</summary>
    private static readonly string[] Options =
    [
        "--create-home", "--user-group", "--no-log-init", "--shell", "/bin/bash", "-K", "MAIL_DIR=/dev/null", "-K", "SUB_UID_COUNT=0",
            "-K", "SUB_GID_COUNT=0",
    ];

    private static readonly string Suffix = Environment.ProcessId.ToString(CultureInfo.InvariantCulture);

    public static string Alice { get; } = $"pfa-a-{Suffix}";

    public static string Bob { get; } = $"pfa-b-{Suffix}";

    public static string Group { get; } = $"pfa-g-{Suffix}";

    /// <summary>The first of 65,536 uids that no account and no other test run uses.</summary>
    public static uint FirstUnusedUid { get; } = 500_039_680 + (65_536 * (uint)(Environment.ProcessId % 32_768));

    /// <summary>The entry of a user; the name must be one of these.</summary>
    public static PasswordEntry Entry(string user) =>
        Libc.getpwnam(user) ?? throw new InvalidOperationException($"there is no user {user}");

    public static string AliceUid => Entry(Alice).Uid.ToString();

    public async ValueTask InitializeAsync()
    {
        if (Libc.geteuid() != UserId.Root)
            throw new InvalidOperationException("the end-to-end tests need root: they make users and run jobs as them");
        Leftovers.Guard();
        await Tool.MustAsync("groupadd", Group);
        await Tool.MustAsync(["useradd", .. Options, "--groups", Group, Alice]);
        await Tool.MustAsync(["useradd", .. Options, Bob]);
    }

    public ValueTask DisposeAsync()
    {
        Leftovers.Clear();
        return ValueTask.CompletedTask;
    }
}
