using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.Json.Serialization.Metadata;
using PipeForkAs.Protocol.Client;

namespace PipeForkAs.Jobs.Registration;

internal sealed class TypedJob<TArguments, TResult>(
    string name, ArgumentReader<TArguments> arguments, Func<JsonTypeInfo<TResult>> result, Func<TArguments, JobContext, TResult> function)
    : Job(name, JobKind.Typed)
{
    internal override JsonNode? ArgumentsSchema() => arguments.Schema();

    internal override int Invoke(JobContext context)
    {
        TResult value = function(arguments.Read(context.ArgumentsJson), context);
        JsonSerializer.Serialize(context.Output, value, result());
        context.Output.Write("\n"u8);
        return 0;
    }
}
