using System.CommandLine;
using System.Diagnostics.CodeAnalysis;

namespace PipeForkAs.Jobs.ByHand;

/// <summary>The name of a job as an argument of the command line.</summary>
internal sealed class JobArgument(JobCollection jobs) : Argument<string>("JOB")
{
    /// <summary>Finds the named job, or lists the registered names.</summary>
    public bool TryFind(ParseResult parsed, [NotNullWhen(true)] out Job? job)
    {
        string name = parsed.GetValue(this)!;
        job = jobs.Find(name);
        if (job is null)
            Terminal.Error($"there is no job \"{name}\"; the jobs are {string.Join(", ", jobs.Jobs.Select(known => known.Name))}");
        return job is not null;
    }
}
