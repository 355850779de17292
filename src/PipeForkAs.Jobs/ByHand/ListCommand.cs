using System.CommandLine;

namespace PipeForkAs.Jobs.ByHand;

/// <summary>Lists the jobs: a line for each, with its name, kind and description.</summary>
internal sealed class ListCommand : Command
{
    public ListCommand(JobCollection jobs)
        : base("list", "Lists the jobs; the same as no argument at all.") => SetAction(_ => List(jobs));

    public static int List(JobCollection jobs)
    {
        int width = jobs.Jobs.Select(job => job.Name.Length).DefaultIfEmpty().Max();
        foreach (Job job in jobs.Jobs)
            Terminal.Line($"{job.Name.PadRight(width)}  {DescribeCommand.Kind(job),-9}  {job.Description}".TrimEnd());
        return ExitCode.Success;
    }
}
