using PipeForkAs.Daemon.Commands;
using PipeForkAs.Protocol.Client;

namespace PipeForkAs.Daemon.Forking;

/// <summary>A registered job, and who forks its workers.</summary>
/// <param name="Description">What it is.</param>
/// <param name="Host">The job host.</param>
/// <param name="Command">The command; null for a function.</param>
internal sealed record RegisteredJob(JobDescription Description, JobHost Host, CommandJob? Command);

/// <summary>All jobs by their names.</summary>
internal sealed class JobCatalog
{
    private readonly IReadOnlyList<JobHost> hosts;
    private IReadOnlyList<CommandJob> commands;
    private SortedDictionary<string, RegisteredJob> jobs = new(StringComparer.Ordinal);

    public JobCatalog(IReadOnlyList<JobHost> hosts, IReadOnlyList<CommandJob> commands)
    {
        this.hosts = hosts;
        this.commands = commands;
    }

    /// <summary>The jobs in the order of their names.</summary>
    public IEnumerable<RegisteredJob> All => jobs.Values;

    /// <summary>The job of that name, or null.</summary>
    public RegisteredJob? Find(string name) => jobs.GetValueOrDefault(name);

    /// <summary>Takes other commands. Where their names are taken, those that there are stay.</summary>
    /// <exception cref="JobHostException">A command has the name of a job.</exception>
    public void Replace(IReadOnlyList<CommandJob> fresh)
    {
        IReadOnlyList<CommandJob> former = commands;
        commands = fresh;
        try
        {
            Refresh();
        }
        catch (JobHostException)
        {
            commands = former;
            throw;
        }
    }

    /// <summary>Reads anew what the job hosts hold.</summary>
    /// <exception cref="JobHostException">Two of them, or one and the configuration, hold a job of the same name.</exception>
    public void Refresh()
    {
        var fresh = new SortedDictionary<string, RegisteredJob>(StringComparer.Ordinal);
        foreach (JobHost host in hosts)
        {
            foreach (JobDescription job in host.Jobs)
            {
                if (!fresh.TryAdd(job.Name, new RegisteredJob(job, host, null)))
                    throw new JobHostException($"the job \"{job.Name}\" of {host.Path} is also one of {fresh[job.Name].Host.Path}; rename one");
            }
        }

        foreach (CommandJob command in commands)
        {
            if (!fresh.TryAdd(command.Name, new RegisteredJob(command.Describe(), hosts[0], command)))
                throw new JobHostException($"the command \"{command.Name}\" has the name of a job of {fresh[command.Name].Host.Path}; rename it in Commands");
        }

        jobs = fresh;
    }
}
