using System.Globalization;
using PipeForkAs.LibC;

[assembly: AssemblyFixture(typeof(PipeForkAs.EndToEnd.Harness.TestUsers))]
[assembly: CollectionBehavior(DisableTestParallelization = true)]

namespace PipeForkAs.EndToEnd.Harness;

/// <summary>Two users of the tests' own, the first with a supplementary group. They are gone when the tests are over.</summary>
public sealed class TestUsers : IAsyncLifetime
{
    private static readonly string Suffix = Environment.ProcessId.ToString(CultureInfo.InvariantCulture);

    public static string Alice { get; } = $"pfa-a-{Suffix}";

    public static string Bob { get; } = $"pfa-b-{Suffix}";

    public static string Group { get; } = $"pfa-g-{Suffix}";

    /// <summary>A user's entry; the name must be one of these.</summary>
    public static PasswordEntry Entry(string user) => Libc.getpwnam(user) ?? throw new InvalidOperationException($"there is no user {user}");

    public static string AliceUid => Entry(Alice).Uid.ToString();

    public async ValueTask InitializeAsync()
    {
        if (Libc.geteuid() != UserId.Root)
            throw new InvalidOperationException("the end-to-end tests need root: they make users and run jobs as them");
        await Tool.MustAsync("groupadd", Group);
        await Tool.MustAsync("useradd", "--create-home", "--user-group", "--groups", Group, "--shell", "/bin/bash", "-K", "MAIL_DIR=/dev/null", Alice);
        await Tool.MustAsync("useradd", "--create-home", "--user-group", "--shell", "/bin/bash", "-K", "MAIL_DIR=/dev/null", Bob);
    }

    public async ValueTask DisposeAsync()
    {
        foreach (string user in new[] { Alice, Bob })
        {
            if (Libc.getpwnam(user) is { } entry)
            {
                await Tool.RunAsync(["userdel", user]);
                if (entry.Home.StartsWith("/home/pfa-", StringComparison.Ordinal))
                    Directory.Delete(entry.Home, recursive: true);
            }
        }

        await Tool.RunAsync(["groupdel", Group]);
    }
}
