using PipeForkAs.Daemon.Configuration;
using PipeForkAs.Daemon.Forking;
using PipeForkAs.Protocol.Client;
using PipeForkAs.Protocol.Worker;

namespace PipeForkAs.Daemon.Requests;

/// <summary>Makes the order to a worker from what was asked, registered and configured.</summary>
internal sealed class OrderBuilder
{
    private TimeSpan longest;
    private WorkerLimits limits = new();

    public OrderBuilder(LimitOptions options) => Apply(options);

    /// <summary>What holds for the orders from now on.</summary>
    public void Apply(LimitOptions options)
    {
        longest = options.JobTimeout;
        limits = new WorkerLimits
        {
            OpenFiles = options.Worker.OpenFiles,
            CpuSeconds = options.Worker.CpuSeconds,
            FileSize = options.Worker.FileSize,
            Umask = OptionsCheck.ParseOctal(options.Worker.Umask),
            Nice = options.Worker.Nice,
        };
    }

    /// <summary>The order.</summary>
    /// <exception cref="RefusedException">The arguments or the environment are not what the job takes.</exception>
    public Run Build(RegisteredJob job, Request request, Account account) => new()
    {
        Job = job.Description.Name,
        Command = job.Command?.CommandLine(request.Arguments) ?? [],
        Arguments = job.Command is null ? request.Arguments ?? [] : [],
        Account = account,
        Environment = AllowedEnvironment(job.Description, request),
        Limits = limits,
    };

    /// <summary>How long the job may run: the shortest of what is configured, registered and asked.</summary>
    public TimeSpan Timeout(RegisteredJob job, Request request)
    {
        double seconds = Math.Min(longest.TotalSeconds, Math.Min(job.Description.Timeout ?? double.MaxValue, request.Timeout ?? double.MaxValue));
        return TimeSpan.FromSeconds(seconds);
    }

    private static KeyValuePair<string, string>[] AllowedEnvironment(JobDescription job, Request request)
    {
        if (request.Environment is not { Count: > 0 } asked)
            return [];
        foreach (string name in asked.Keys)
        {
            if (!job.Environment.Contains(name))
            {
                string allowed = job.Environment.Count == 0 ? "it takes none" : $"it takes {string.Join(", ", job.Environment)}";
                throw new RefusedException(ReplyCode.BadArguments, $"the job {job.Name} does not take the variable \"{name}\"; {allowed}");
            }
        }

        return [.. asked];
    }
}
