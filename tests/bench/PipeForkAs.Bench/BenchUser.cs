using PipeForkAs.LibC;

namespace PipeForkAs.Bench;

/// <summary>The user that everything runs as. The benchmark removes a user that it created.</summary>
internal sealed class BenchUser : IAsyncDisposable
{
    private const string Name = "pfa-bench";
    private readonly bool own;

    private BenchUser(PasswordEntry entry, bool own)
    {
        Entry = entry;
        this.own = own;
    }

    public PasswordEntry Entry { get; }

    public static async Task<BenchUser> MakeAsync()
    {
        if (Libc.getpwnam(Name) is { } there)
            return new BenchUser(there, own: false);
        await Tool.MustAsync(
            "useradd", "--create-home", "--user-group", "--no-log-init", "--shell", "/bin/sh",
            "-K", "MAIL_DIR=/dev/null", "-K", "SUB_UID_COUNT=0", "-K", "SUB_GID_COUNT=0", Name);
        return new BenchUser(Libc.getpwnam(Name) ?? throw new InvalidOperationException($"useradd made no {Name}"), own: true);
    }

    public async ValueTask DisposeAsync()
    {
        if (!own)
            return;
        foreach (int pid in ProcessesOf(Entry.Uid))
            Libc.kill(new ProcessId(pid), Signal.SIGKILL);
        while (ProcessesOf(Entry.Uid).Count > 0)
            await Task.Delay(20);
        await Tool.MustAsync("userdel", "--remove", Name);
    }

    private static IReadOnlyList<int> ProcessesOf(UserId uid) => EndToEnd.Harness.ProcFs.OfUsers([uid]);
}
