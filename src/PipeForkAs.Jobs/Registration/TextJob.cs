using System.Text;
using System.Text.Json.Nodes;
using PipeForkAs.Protocol.Client;

namespace PipeForkAs.Jobs.Registration;

internal sealed class TextJob(string name, Func<JobContext, string> function, IArgumentReader? arguments = null) : Job(name, JobKind.Text)
{
    internal override JsonNode? ArgumentsSchema() => arguments?.Schema();

    internal override int Invoke(JobContext context)
    {
        if (arguments is null)
            RefuseArguments(context);
        context.Output.Write(Encoding.UTF8.GetBytes(function(context)));
        return 0;
    }
}
