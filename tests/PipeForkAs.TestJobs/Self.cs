using System.Collections;
using System.Globalization;
using System.Text.Json;
using PipeForkAs.Jobs;
using PipeForkAs.LibC;

namespace PipeForkAs.TestJobs;

/// <summary>The state of a worker, as it sees it.</summary>
internal sealed record SelfReport
{
    public required int Pid { get; init; }
    public required int ParentPid { get; init; }
    public required int ProcessGroup { get; init; }
    public required int Session { get; init; }
    public required int Terminal { get; init; }
    public required int Nice { get; init; }
    public required int OomScoreAdjust { get; init; }

    /// <summary>Real, effective and saved.</summary>
    public required IReadOnlyList<uint> UserIds { get; init; }

    /// <summary>Real, effective and saved.</summary>
    public required IReadOnlyList<uint> GroupIds { get; init; }
    public required IReadOnlyList<uint> Groups { get; init; }
    public required bool NoNewPrivileges { get; init; }
    public required string WorkingDirectory { get; init; }

    /// <summary>Open descriptors by number, with their targets.</summary>
    public required IReadOnlyDictionary<string, string> Descriptors { get; init; }
    public required IReadOnlyDictionary<string, string> Environment { get; init; }

    /// <summary>Soft and hard limit by name.</summary>
    public required IReadOnlyDictionary<string, IReadOnlyList<ulong>> Limits { get; init; }

    /// <summary>/proc/self/status unchanged: CapBnd, CapEff, SigBlk, SigIgn, Umask, Threads ...</summary>
    public required IReadOnlyDictionary<string, string> Status { get; init; }
}

/// <summary>The job <c>self</c>.</summary>
internal static class Self
{
    public static int Describe(JobContext context)
    {
        // First, before .NET opens anything.
        Dictionary<string, string> descriptors = Descriptors();
        string[] stat = File.ReadAllText("/proc/self/stat").Split(')')[^1].Split(' ', StringSplitOptions.RemoveEmptyEntries);
        ProcessIds<UserId> uid = Libc.getresuid();
        ProcessIds<GroupId> gid = Libc.getresgid();
        var report = new SelfReport
        {
            Pid = Libc.getpid().Value,
            ParentPid = Number(stat[1]),
            ProcessGroup = Number(stat[2]),
            Session = Number(stat[3]),
            Terminal = Number(stat[4]),
            Nice = Number(stat[16]),
            OomScoreAdjust = Number(File.ReadAllText("/proc/self/oom_score_adj")),
            UserIds = [uid.Real.Value, uid.Effective.Value, uid.Saved.Value],
            GroupIds = [gid.Real.Value, gid.Effective.Value, gid.Saved.Value],
            Groups = [.. Libc.getgroups().Select(group => group.Value)],
            NoNewPrivileges = Libc.prctl_get_no_new_privs(),
            WorkingDirectory = Environment.CurrentDirectory,
            Descriptors = descriptors,
            Environment = new SortedDictionary<string, string>(
                Environment.GetEnvironmentVariables().Cast<DictionaryEntry>().ToDictionary(
                    entry => (string)entry.Key, entry => (string)entry.Value!), StringComparer.Ordinal),
            Limits = Enum.GetValues<ResourceLimit>().ToDictionary(
                limit => limit.ToString(), limit => (IReadOnlyList<ulong>)[Libc.getrlimit(limit).Soft, Libc.getrlimit(limit).Hard]),
            Status = File.ReadLines("/proc/self/status").Select(line => line.Split(':', 2)).ToDictionary(
                parts => parts[0], parts => parts[1].Trim()),
        };
        JsonSerializer.Serialize(context.Output, report, TestJson.Default.SelfReport);
        context.Line("");
        return 0;
    }

    /// <summary>
    /// Tests each number, because listing a directory opens it; avoids interpolation, for which .NET creates a pool and a random seed, and
    /// opens /dev/urandom. This job opens everything that is open afterwards.
    /// </summary>
    private static Dictionary<string, string> Descriptors()
    {
        var open = new List<string>();
        for (ulong number = 0; number < Libc.getrlimit(ResourceLimit.RLIMIT_NOFILE).Soft; number++)
        {
            string path = "/proc/self/fd/" + number.ToString(CultureInfo.InvariantCulture);
            if (Libc.lstat(path) is not null)
                open.Add(path);
        }

        return open.ToDictionary(path => Path.GetFileName(path), path => new FileInfo(path).LinkTarget ?? "");
    }

    private static int Number(string text) => int.Parse(text, CultureInfo.InvariantCulture);
}
