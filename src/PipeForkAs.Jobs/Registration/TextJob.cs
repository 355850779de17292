using System.Text;
using System.Text.Json.Nodes;
using PipeForkAs.Protocol.Client;

namespace PipeForkAs.Jobs.Registration;

internal sealed class TextJob(string name, Func<JobContext, string> function) : Job(name, JobKind.Text)
{
    internal override JsonNode? ArgumentsSchema() => null;

    internal override int Invoke(JobContext context)
    {
        RefuseArguments(context);
        context.Output.Write(Encoding.UTF8.GetBytes(function(context)));
        return 0;
    }
}
