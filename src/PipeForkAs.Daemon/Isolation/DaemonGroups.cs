using System.Globalization;
using PipeForkAs.LibC;

namespace PipeForkAs.Daemon.Isolation;

/// <summary>
/// The names of groups in a control group that a daemon shares with the daemon that takes over from it: <c>daemon</c> and <c>job-N</c> are
/// the groups of the first daemon, <c>daemon-2</c> and <c>job-2.N</c> those of the second. A daemon keeps a lock on its own group as long
/// as it lives.
/// </summary>
internal static class DaemonGroups
{
    private const string Home = "daemon";
    private const string Job = "job-";

    /// <summary>Returns the name of the group of a daemon and its job hosts.</summary>
    public static string HomeOf(int generation) =>
        generation == 1 ? Home : string.Create(CultureInfo.InvariantCulture, $"{Home}-{generation}");

    /// <summary>Returns the prefix of the names of the groups of jobs.</summary>
    public static string JobsOf(int generation) =>
        generation == 1 ? Job : string.Create(CultureInfo.InvariantCulture, $"{Job}{generation}.");

    /// <summary>Returns all groups of daemons, with the numbers of the daemons.</summary>
    public static IEnumerable<(string Directory, int Generation)> Homes(string root)
    {
        foreach (string directory in Directory.GetDirectories(root, Home + "*"))
        {
            ReadOnlySpan<char> name = Path.GetFileName(directory.AsSpan());
            if (name.SequenceEqual(Home))
                yield return (directory, 1);
            else if (name.StartsWith(Home + "-") && Number(name[(Home.Length + 1)..]) is { } generation and <= int.MaxValue)
                yield return (directory, (int)generation);
        }
    }

    /// <summary>Returns all groups of jobs, with the numbers of their daemons and their own numbers.</summary>
    public static IEnumerable<(string Directory, int Generation, long Number)> Jobs(string root)
    {
        foreach (string directory in Directory.GetDirectories(root, Job + "*"))
        {
            string name = Path.GetFileName(directory)[Job.Length..];
            int dot = name.IndexOf('.', StringComparison.Ordinal);
            long? generation = dot < 0 ? 1 : Number(name.AsSpan(0, dot));
            yield return (directory, generation is { } known and <= int.MaxValue ? (int)known : 1, Number(name.AsSpan(dot + 1)) ?? 0);
        }
    }

    /// <summary>Returns the numbers of the living daemons.</summary>
    /// <exception cref="SystemCallException">The groups cannot be read.</exception>
    public static HashSet<int> Living(string root)
    {
        var living = new HashSet<int>();
        foreach ((string directory, int generation) in Homes(root))
        {
#pragma warning disable CA2000 // The next line closes it.
            if (TryHold(directory) is { } hold)
#pragma warning restore CA2000
                hold.Dispose();
            else
                living.Add(generation);
        }

        return living;
    }

    /// <summary>Takes the lock on the group of a daemon; returns null if a living daemon has the lock.</summary>
    /// <exception cref="SystemCallException">The group cannot be opened.</exception>
    public static FileDescriptor? TryHold(string directory)
    {
        FileDescriptor hold = Libc.open(directory, OpenFlags.O_RDONLY | OpenFlags.O_DIRECTORY);
        try
        {
            if (Libc.flock_exclusive(hold))
                return hold;
        }
        catch
        {
            hold.Dispose();
            throw;
        }

        hold.Dispose();
        return null;
    }

    private static long? Number(ReadOnlySpan<char> text) =>
        long.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out long number) ? number : null;
}
