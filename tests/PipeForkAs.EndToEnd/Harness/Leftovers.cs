using System.Globalization;
using System.Runtime.InteropServices;
using PipeForkAs.LibC;

namespace PipeForkAs.EndToEnd.Harness;

/// <summary>
/// Removes what a test run created: daemons, users with their processes, folders. This also happens if the run ends early; the next run
/// removes the leftovers of a killed one.
/// </summary>
internal static class Leftovers
{
    private const string FolderPrefix = "pipeforkas-e2e-";
    private static readonly List<PosixSignalRegistration> Signals = [];
    private static readonly string OwnRun = Environment.ProcessId.ToString(CultureInfo.InvariantCulture);

    /// <summary>The prefix of the folders of this run in the folder for temporary files.</summary>
    public static string OwnFolderPrefix => $"{FolderPrefix}{OwnRun}-";

    /// <summary>
    /// Removes the leftovers of killed runs, and registers the removal of those of this run for every end except SIGKILL.
    /// </summary>
    public static void Guard()
    {
        string[] runs =
        [
            .. File.ReadLines("/etc/passwd").Where(line => line.StartsWith("pfa-", StringComparison.Ordinal)).Select(
                line => line.Split(':')[0].Split('-')[^1]),
            .. Directory.GetDirectories(Path.GetTempPath(), FolderPrefix + "*").Select(
                folder => Path.GetFileName(folder)[FolderPrefix.Length..].Split('-')[0]),
        ];
        foreach (string run in runs.Distinct())
        {
            if (int.TryParse(run, NumberStyles.None, CultureInfo.InvariantCulture, out int pid) && !ProcFs.IsThere(pid))
                Clear(run);
        }

        AppDomain.CurrentDomain.ProcessExit += (_, _) => Clear(OwnRun);

        // By default, .NET exits at these signals at once.
        foreach (PosixSignal signal in (PosixSignal[])[PosixSignal.SIGTERM, PosixSignal.SIGHUP, PosixSignal.SIGINT])
        {
            Signals.Add(PosixSignalRegistration.Create(signal, context =>
            {
                context.Cancel = true;
                Environment.Exit(1);
            }));
        }
    }

    /// <summary>Removes what this run created.</summary>
    public static void Clear() => Clear(OwnRun);

    /// <summary>Kills all processes of a user in one call of kill(2), so that no process escapes by forking.</summary>
    public static void KillAll(UserId user) =>
        Tool.RunAsync(["setpriv", $"--reuid={user}", "--clear-groups", "kill", "-KILL", "--", "-1"]).GetAwaiter().GetResult();

    private static void Clear(string run)
    {
        string[] users = [$"pfa-a-{run}", $"pfa-b-{run}"];
        PasswordEntry[] entries = [.. users.Select(Libc.getpwnam).OfType<PasswordEntry>()];
        UserId[] uids = [.. entries.Select(entry => entry.Uid)];
        for (int round = 0; round < 100; round++)
        {
            IReadOnlyList<int> daemons = ProcFs.Mentioning(Path.Combine(Path.GetTempPath(), $"{FolderPrefix}{run}-"));
            if (daemons.Count == 0 && ProcFs.OfUsers(uids).Count == 0)
                break;
            foreach (int pid in daemons)
                Libc.kill(new ProcessId(pid), Signal.SIGKILL);
            Array.ForEach(uids, KillAll);
            Thread.Sleep(20);
        }

        foreach (PasswordEntry entry in entries)
        {
            Tool.RunAsync(["userdel", entry.Name]).GetAwaiter().GetResult();
            if (entry.Home.StartsWith("/home/pfa-", StringComparison.Ordinal) && Directory.Exists(entry.Home))
                Remove(entry.Home, run);
        }

        if (File.ReadLines("/etc/group").Any(line => line.StartsWith($"pfa-g-{run}:", StringComparison.Ordinal)))
            Tool.RunAsync(["groupdel", $"pfa-g-{run}"]).GetAwaiter().GetResult();
        foreach (string folder in Directory.GetDirectories(Path.GetTempPath(), $"{FolderPrefix}{run}-*"))
            Remove(folder, run);
    }

    private static void Remove(string folder, string run)
    {
        try
        {
            Directory.Delete(folder, recursive: true);
        }
        catch (IOException) when (run != OwnRun)
        {
            // Another run removes it at the same time.
        }
    }
}
