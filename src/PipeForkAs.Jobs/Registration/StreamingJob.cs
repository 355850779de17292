using System.Text.Json.Nodes;
using PipeForkAs.Protocol.Client;

namespace PipeForkAs.Jobs.Registration;

internal sealed class StreamingJob(string name, Func<JobContext, int> function, IArgumentReader? arguments = null)
    : Job(name, JobKind.Streaming)
{
    internal override JsonNode? ArgumentsSchema() => arguments?.Schema();

    internal override int Invoke(JobContext context)
    {
        if (arguments is null)
            RefuseArguments(context);
        int exit = function(context);
        return exit is >= 0 and <= 255
            ? exit
            : throw new InvalidOperationException($"the job {Name} returned {exit}; an exit code must be from 0 to 255");
    }
}
