using PipeForkAs.Daemon.Commands;
using PipeForkAs.Daemon.Configuration;
using PipeForkAs.Daemon.Isolation;
using PipeForkAs.Protocol;
using PipeForkAs.Protocol.Client;

namespace PipeForkAs.Daemon.Forking;

/// <summary>A registered job and the job host that forks its workers.</summary>
/// <param name="Description">The description of the job.</param>
/// <param name="Host">The job host.</param>
/// <param name="Command">The command; null for a function.</param>
internal sealed record RegisteredJob(JobDescription Description, JobHostPool Host, CommandJob? Command)
{
    /// <summary>The restrictions that the configuration sets for the job.</summary>
    public IReadOnlyList<JobRestrictionOptions> Restrictions { get; init; } = [];

    /// <summary>The arguments that the job declares.</summary>
    public KnownArguments Arguments { get; } = KnownArguments.Of(Description.Arguments);
}

/// <summary>Contains all jobs, by name.</summary>
internal sealed class JobCatalog
{
    /// <summary>The maximum number of jobs in a message.</summary>
    private const int MaxListed = 20;

    private IReadOnlyList<JobHostPool> hosts;
    private IReadOnlyList<CommandJob> commands;
    private IDictionary<string, JobRestrictionOptions> restrictions;
    private SortedDictionary<string, RegisteredJob> jobs = new(StringComparer.Ordinal);

    public JobCatalog(
        IReadOnlyList<JobHostPool> hosts, IReadOnlyList<CommandJob> commands, IDictionary<string, JobRestrictionOptions> restrictions)
    {
        this.restrictions = restrictions;
        this.hosts = hosts;
        this.commands = commands;
    }

    /// <summary>The jobs, sorted by name.</summary>
    public IEnumerable<RegisteredJob> All => jobs.Values;

    /// <summary>Returns the job with this name, or null.</summary>
    public RegisteredJob? Find(string name) => jobs.GetValueOrDefault(name);

    /// <summary>Replaces the job hosts, commands and restrictions. Changes nothing if this fails.</summary>
    /// <exception cref="ConfigurationException">Two jobs have the same name, or a restriction names an unknown job.</exception>
    public void Replace(
        IReadOnlyList<JobHostPool> freshHosts, IReadOnlyList<CommandJob> freshCommands,
        IDictionary<string, JobRestrictionOptions> freshRestrictions)
    {
        (IReadOnlyList<JobHostPool>, IReadOnlyList<CommandJob>, IDictionary<string, JobRestrictionOptions>) former =
            (hosts, commands, restrictions);
        (hosts, commands, restrictions) = (freshHosts, freshCommands, freshRestrictions);
        try
        {
            Refresh();
        }
        catch (ConfigurationException)
        {
            (hosts, commands, restrictions) = former;
            throw;
        }
    }

    /// <summary>Reads the jobs of the job hosts again.</summary>
    /// <exception cref="ConfigurationException">
    /// Two job hosts, or a job host and the configuration, have a job with the same name.
    /// </exception>
    public void Refresh()
    {
        var fresh = new SortedDictionary<string, RegisteredJob>(StringComparer.Ordinal);
        for (int i = 0; i < hosts.Count; i++)
        {
            JobHostPool host = hosts[i];
            foreach (JobDescription job in host.Jobs)
            {
                if (fresh.TryAdd(job.Name, new RegisteredJob(job, host, null)))
                    continue;
                string other = fresh[job.Name].Host.Path;
                throw new ConfigurationException(
                    $"JobHosts:{i}:Path",
                    other == host.Path
                        ? $"{host.Path} is in JobHosts twice; remove one (for more processes, set Processes)"
                        : $"the job \"{job.Name}\" of {host.Path} is also a job of {other}; rename one");
            }
        }

        foreach (CommandJob command in commands)
        {
            if (!fresh.TryAdd(command.Name,
                new RegisteredJob(command.Description, hosts[0], command) { Restrictions = [command.Restrictions] }))
            {
                throw new ConfigurationException(
                    $"Commands:{command.Name}", $"the command has the name of a job of {fresh[command.Name].Host.Path}; rename it");
            }
        }

        foreach ((string name, JobRestrictionOptions restriction) in restrictions)
        {
            if (!fresh.TryGetValue(name, out RegisteredJob? job))
                throw new ConfigurationException($"Jobs:{name}", Unregistered(name, fresh.Keys));
            foreach ((string list, string argument) in restriction.ListAuditedArguments())
            {
                if (argument == JobRestrictionOptions.AllArguments || ArgumentPairs.Knows(job.Description.Arguments, argument))
                    continue;
                throw new ConfigurationException(
                    $"Jobs:{name}:{list}",
                    $"names the argument \"{argument}\", which the job does not have; see: pipeforkas describe {name}");
            }

            fresh[name] = job with { Restrictions = [.. job.Restrictions, restriction] };
        }

        jobs = new SortedDictionary<string,
            RegisteredJob>(fresh.ToDictionary(job => job.Key, job => Described(job.Value)), StringComparer.Ordinal);
    }

    private static string Unregistered(string name, SortedDictionary<string, RegisteredJob>.KeyCollection registered)
    {
        if (registered.FirstOrDefault(job => string.Equals(job, name, StringComparison.OrdinalIgnoreCase)) is { } meant)
            return $"restricts a job that is not registered; did you mean \"{meant}\"?";
        string jobs = string.Join(", ", registered.Take(MaxListed)) + (registered.Count > MaxListed ? ", ..." : "");
        return $"restricts a job that is not registered; the registered jobs are {jobs}";
    }

    /// <summary>Returns what requires the sandbox of the job: keys of the configuration, or its registration.</summary>
    private static string SandboxKeys(RegisteredJob job)
    {
        string name = job.Description.Name;
        IEnumerable<string> keys = job.Restrictions.Where(restriction => !restriction.Sandbox.ToSandbox().IsEmpty)
            .Select(restriction => restriction is CommandOptions ? $"Commands:{name}:Sandbox" : $"Jobs:{name}:Sandbox");
        return string.Join(", ", job.Description.Sandboxes is { Count: > 0 } ? keys.Prepend("its registration in the job host") : keys);
    }

    /// <summary>Returns the job with all its restrictions in its description.</summary>
    private static RegisteredJob Described(RegisteredJob job)
    {
        TimeSpan? timeout = job.Restrictions.Select(restriction => restriction.Timeout).Append(job.Description.Timeout).Min();
        Sandbox[] sandboxes = [
            .. job.Description.Sandboxes ?? [],
                .. job.Restrictions.Select(restriction => restriction.Sandbox.ToSandbox()).Where(sandbox => !sandbox.IsEmpty)];
        if (SandboxSupport.Problem(sandboxes) is { } problem)
        {
            string section = job.Command is null ? "Jobs" : "Commands";
            string key = job.Restrictions.Count == 0 ? "JobHosts" : $"{section}:{job.Description.Name}:Sandbox";
            throw new ConfigurationException(
                key, $"the sandbox of the job \"{job.Description.Name}\" ({SandboxKeys(job)}) cannot be applied: {problem}");
        }

        IEnumerable<string> configured = job.Restrictions.SelectMany(static restriction => restriction.ListAuditedArguments()).Select(
            static entry => entry.Argument);
        string[] audited = [.. (job.Description.AuditedArguments ?? []).Concat(configured).Distinct()];
        return job with
        {
            Description = job.Description with
            {
                Timeout = timeout,
                Sandboxes = sandboxes.Length > 0 ? sandboxes : null,
                AuditedArguments = audited.Length > 0 ? audited : null,
            },
        };
    }
}
