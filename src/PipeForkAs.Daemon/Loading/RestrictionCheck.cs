using System.Globalization;
using PipeForkAs.Daemon.Configuration;
using PipeForkAs.Protocol;

namespace PipeForkAs.Daemon.Loading;

/// <summary>Checks the restrictions of single jobs: in range, and never looser than the general limits.</summary>
internal static class RestrictionCheck
{
    public static IEnumerable<(string Key, string Problem)> Problems(DaemonOptions options)
    {
        foreach ((string name, CommandOptions command) in options.Commands)
        {
            foreach ((string Key, string Problem) problem in Problems($"Commands:{name}", command, options.Limits))
                yield return problem;
            foreach ((string list, string argument) in command.ListAuditedArguments())
            {
                if (argument != JobRestrictionOptions.AllArguments && !command.Parameters.ContainsKey(argument))
                    yield return ($"Commands:{name}:{list}", $"names the parameter \"{argument}\", which Parameters does not declare");
            }
        }

        foreach ((string name, JobRestrictionOptions job) in options.Jobs)
        {
            if (!JobName.IsValid(name))
                yield return ($"Jobs:{name}", $"a job's name must be {JobName.Rule}");
            foreach ((string Key, string Problem) problem in Problems($"Jobs:{name}", job, options.Limits))
                yield return problem;
        }
    }

    private static IEnumerable<(string Key, string Problem)> Problems(string key, JobRestrictionOptions job, LimitOptions all)
    {
        if (job.Timeout <= TimeSpan.Zero)
            yield return ($"{key}:Timeout", string.Create(CultureInfo.InvariantCulture, $"is {job.Timeout}, must be more than 00:00:00"));
        else if (job.Timeout > all.JobTimeout)
        {
            yield return (
                $"{key}:Timeout",
                string.Create(
                    CultureInfo.InvariantCulture,
                    $"is {job.Timeout}, must be at most {all.JobTimeout}: it can only tighten Limits:JobTimeout; raise that"));
        }

        TighterLimitOptions limits = job.Limits;
        WorkerLimitOptions worker = all.Worker;
        (string Name, string? Problem)[] checks =
        [
            ("OutputLimit", Below(job.OutputLimit, 0, all.OutputLimit, "Limits:OutputLimit")),
            ("Limits:MemoryMax", Below(limits.MemoryMax, OptionsCheck.MinimumMemory, worker.MemoryMax, "Limits:Worker:MemoryMax")),
            ("Limits:PidsMax", Below(limits.PidsMax, 1, worker.PidsMax, "Limits:Worker:PidsMax")),
            ("Limits:CpuWeight", Below(limits.CpuWeight, 1, worker.CpuWeight ?? 100, "Limits:Worker:CpuWeight")),
            ("Limits:OpenFiles", Below(limits.OpenFiles, 16, worker.OpenFiles, "Limits:Worker:OpenFiles")),
            ("Limits:CpuSeconds", Below(limits.CpuSeconds, 1, worker.CpuSeconds ?? int.MaxValue, "Limits:Worker:CpuSeconds")),
            ("Limits:FileSize", Below(limits.FileSize, 0, worker.FileSize, "Limits:Worker:FileSize")),
            ("Limits:CoreSize", Below(limits.CoreSize, 0, worker.CoreSize, "Limits:Worker:CoreSize")),
            ("Limits:Umask", UmaskProblem(limits.Umask, worker.Umask)),
            ("Limits:Nice", Above(limits.Nice, worker.Nice, 19, "Limits:Worker:Nice")),
            ("Limits:OomScoreAdj", Above(limits.OomScoreAdj, worker.OomScoreAdj, 1000, "Limits:Worker:OomScoreAdj")),
            ("Sandbox:Seccomp", job.Sandbox.Seccomp is "default" or "none" ? null : "must be default or none"),
        ];
        foreach ((string name, string? problem) in checks)
        {
            if (problem is not null)
                yield return ($"{key}:{name}", problem);
        }

        foreach ((string list, IList<string> paths) in new[] { ("ReadOnly", job.Sandbox.ReadOnly), ("ReadWrite", job.Sandbox.ReadWrite) })
        {
            for (int i = 0; i < paths.Count; i++)
            {
                if (Sandbox.PathProblem(paths[i]) is { } problem)
                    yield return ($"{key}:Sandbox:{list}:{i}", problem);
            }
        }
    }

    private static string? Below(long? value, long least, long? most, string general)
    {
        if (value is not { } limit)
            return null;
        if (limit < least)
            return string.Create(CultureInfo.InvariantCulture, $"is {limit}, must be at least {least}");
        return limit > most
            ? string.Create(CultureInfo.InvariantCulture, $"is {limit}, must be at most {most}: it can only tighten {general}") : null;
    }

    private static string? Above(int? value, int least, int most, string general)
    {
        if (value is not { } limit)
            return null;
        if (limit > most)
            return string.Create(CultureInfo.InvariantCulture, $"is {limit}, must be at most {most}");
        return limit < least
            ? string.Create(CultureInfo.InvariantCulture, $"is {limit}, must be at least {least}: it can only tighten {general}") : null;
    }

    private static string? UmaskProblem(string? umask, string general)
    {
        if (umask is null || !PermissionBits.TryParse(general, out uint all))
            return null;
        if (!PermissionBits.TryParse(umask, out uint bits))
            return "must be octal digits from 0000 to 0777, as a string";
        return (bits & all) == all ? null : $"must have all bits of {general}: it can only tighten Limits:Worker:Umask";
    }
}
