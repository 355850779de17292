using PipeForkAs.Daemon.Callers;
using PipeForkAs.Daemon.Configuration;
using PipeForkAs.Daemon.Fairness;
using PipeForkAs.Daemon.Forking;
using PipeForkAs.Daemon.Isolation;
using PipeForkAs.Daemon.Patterns;
using PipeForkAs.Protocol.Client;
using PipeForkAs.Protocol.Worker;

namespace PipeForkAs.Daemon.Requests;

/// <summary>The parameters with which a job runs.</summary>
/// <param name="WorkerOrder">The message to the worker.</param>
/// <param name="Group">The limits for all processes of the job together.</param>
/// <param name="Timeout">The longest run time: the shortest of the configured, registered and requested timeouts.</param>
/// <param name="OutputLimit">The number of bytes that the job may write to its outputs together; null for no limit.</param>
internal sealed record JobOrder(WorkerOrder WorkerOrder, GroupLimits Group, TimeSpan Timeout, long? OutputLimit);

/// <summary>Builds the worker order from the request, the registration and the configuration.</summary>
/// <param name="configuration">Defines the limits of all jobs.</param>
/// <param name="patterns">Matches the patterns of parameters.</param>
internal sealed class OrderBuilder(CurrentConfiguration configuration, PatternMatcher patterns)
{
    /// <summary>
    /// The limits of <see cref="limitsOf"/> in the format for workers. They are the same for all requests under one configuration.
    /// </summary>
    private WorkerLimits limits = new();
    private GroupLimits group;
    private LimitOptions? limitsOf;

    /// <summary>
    /// Builds the order from the configuration that is current after the parameters of a command were checked, because this check may take
    /// some time.
    /// </summary>
    /// <param name="caller">The caller's uid.</param>
    /// <param name="job">The job.</param>
    /// <param name="request">The request.</param>
    /// <param name="account">The target user.</param>
    /// <param name="grantsRoot">Whether the target user is root and a rule grants root by name.</param>
    /// <exception cref="RefusedException">The job does not accept the arguments or the environment.</exception>
    public async ValueTask<JobOrder> BuildAsync(Bucket caller, RegisteredJob job, Request request, Account account, bool grantsRoot)
    {
        string[] command = job.Command is null ? [] : await job.Command.CommandLineAsync(request.Arguments, caller, patterns);
        LimitOptions current = configuration.Limits;
        Read(current);
        var run = new WorkerOrder
        {
            Job = job.Description.Name,
            Command = command,
            Arguments = job.Command is null ? request.Arguments ?? [] : [],
            Account = account,
            Environment = [.. AllowedEnvironment(job.Description, request), .. Trace(request)],
            Sandboxes = [.. job.Description.Sandboxes ?? []],
            GrantsRoot = grantsRoot,
            GraceMilliseconds = (long)current.KillGrace.TotalMilliseconds,
            OrphanGraceMilliseconds = (long)current.OrphanGrace.TotalMilliseconds,
            Limits = job.Restrictions.Aggregate(limits, Tighten),
        };
        return new JobOrder(run, ToGroup(job), Timeout(current, job, request), OutputLimit(current, job));
    }

    private void Read(LimitOptions options)
    {
        if (limitsOf == options)
            return;
        limitsOf = options;
        limits = new WorkerLimits
        {
            OpenFiles = options.Worker.OpenFiles,
            CpuSeconds = options.Worker.CpuSeconds,
            FileSize = options.Worker.FileSize,
            CoreSize = options.Worker.CoreSize,
            Umask = PermissionBits.Parse(options.Worker.Umask),
            Nice = options.Worker.Nice,
            OomScoreAdjust = options.Worker.OomScoreAdj,
        };
        group = new GroupLimits(options.Worker.MemoryMax, options.Worker.PidsMax, options.Worker.CpuWeight);
    }

    private static TimeSpan Timeout(LimitOptions current, RegisteredJob job, Request request)
    {
        // The timeout in the description is already the shorter one of the job's and the configuration's.
        double registered = job.Description.Timeout?.TotalSeconds ?? double.MaxValue;
        double seconds = Math.Min(current.JobTimeout.TotalSeconds, Math.Min(registered, request.Timeout ?? double.MaxValue));
        return TimeSpan.FromSeconds(seconds);
    }

    private GroupLimits ToGroup(RegisteredJob job) => job.Restrictions.Aggregate(group, (limits, tighter) => new GroupLimits(
        Least(limits.MemoryMax, tighter.Limits.MemoryMax), Least(limits.PidsMax, tighter.Limits.PidsMax),
        (int?)Least(limits.CpuWeight, tighter.Limits.CpuWeight)));

    private static long? OutputLimit(LimitOptions current, RegisteredJob job) =>
        job.Restrictions.Aggregate(current.OutputLimit, (most, tighter) => Least(most, tighter.OutputLimit));

    private static WorkerLimits Tighten(WorkerLimits limits, JobRestrictionOptions restrictions)
    {
        TighterLimitOptions tighter = restrictions.Limits;
        return limits with
        {
            OpenFiles = Math.Min(limits.OpenFiles, tighter.OpenFiles ?? long.MaxValue),
            CpuSeconds = Least(limits.CpuSeconds, tighter.CpuSeconds),
            FileSize = Least(limits.FileSize, tighter.FileSize),
            CoreSize = Least(limits.CoreSize, tighter.CoreSize),
            Umask = limits.Umask | (tighter.Umask is { } umask ? PermissionBits.Parse(umask) : 0),
            Nice = Math.Max(limits.Nice, tighter.Nice ?? int.MinValue),
            OomScoreAdjust = Math.Max(limits.OomScoreAdjust, tighter.OomScoreAdj ?? int.MinValue),
        };
    }

    private static long? Least(long? a, long? b) => a is { } first && b is { } second ? Math.Min(first, second) : a ?? b;

    private static KeyValuePair<string, string>[] AllowedEnvironment(JobDescription job, Request request)
    {
        if (request.Environment is not { Count: > 0 } asked)
            return [];
        string[] all = [.. job.Environment, .. job.UnsafeEnvironment ?? []];
        foreach (string name in asked.Keys)
        {
            if (!all.Contains(name))
            {
                string allowed = all.Length == 0 ? "it allows none" : $"it allows {string.Join(", ", all)}";
                throw new RefusedException(ReplyCode.BadArguments, $"the job {job.Name} does not allow the variable \"{name}\"; {allowed}");
            }
        }

        return [.. asked];
    }

    /// <summary>
    /// Returns the trace context of the request as variables. No registration has to allow them: <see cref="TraceContext"/> limits their
    /// characters and length.
    /// </summary>
    private static IEnumerable<KeyValuePair<string, string>> Trace(Request request)
    {
        if (request.TraceParent is { } parent)
            yield return new(TraceContext.ParentVariable, parent);
        if (request.TraceState is { } state)
            yield return new(TraceContext.StateVariable, state);
    }
}
