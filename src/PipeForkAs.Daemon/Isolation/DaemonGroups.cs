using System.Globalization;
using PipeForkAs.LibC;

namespace PipeForkAs.Daemon.Isolation;

/// <summary>
/// The names of groups in a control group that a daemon shares with the one that takes over from it: <c>daemon</c> and <c>job-N</c> are
/// the first daemon's, <c>daemon-2</c> and <c>job-2.N</c> those of the second. A daemon holds a lock on its own group for as long as it
/// lives.
/// </summary>
internal static class DaemonGroups
{
    private const string Home = "daemon";
    private const string Job = "job-";

    /// <summary>The group of a daemon and its job hosts.</summary>
    public static string HomeOf(int generation) =>
        generation == 1 ? Home : string.Create(CultureInfo.InvariantCulture, $"{Home}-{generation}");

    /// <summary>What the names of its jobs' groups begin with.</summary>
    public static string JobsOf(int generation) =>
        generation == 1 ? Job : string.Create(CultureInfo.InvariantCulture, $"{Job}{generation}.");

    /// <summary>All groups of daemons, with their numbers.</summary>
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

    /// <summary>All groups of jobs, with their daemons' numbers and their own.</summary>
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

    /// <summary>The numbers of the daemons that live.</summary>
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

    /// <summary>Takes the lock on a daemon's group; null where a living daemon has it.</summary>
    /// <exception cref="SystemCallException">It cannot be opened.</exception>
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
