using System.CommandLine;
using PipeForkAs.Protocol.Client;

namespace PipeForkAs.Jobs.ByHand;

/// <summary>Lists the jobs, one a line, with name, kind and description.</summary>
internal sealed class ListCommand : Command
{
    public ListCommand(JobCollection jobs)
        : base("list", "Lists the jobs; the default command.") => SetAction(_ => List(jobs));

    public static int List(JobCollection jobs)
    {
        Terminal.Write(JobText.List([.. jobs.Jobs.Select(DescribeCommand.DescriptionOf)]));
        return ExitCode.Success;
    }
}
