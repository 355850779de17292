using System.Text;

using PipeForkAs.Protocol;

namespace PipeForkAs.Cli.Commands;

/// <summary>Converts the arguments on a command line to the JSON of a request.</summary>
internal static class JobArguments
{
    /// <summary>Returns the arguments as JSON; empty if there are none.</summary>
    /// <param name="client">Asks for the job's schema, which decides which values are numbers and which are text.</param>
    /// <param name="job">The job's name.</param>
    /// <param name="json">The value of <c>--args</c>; null if there is none.</param>
    /// <param name="pairs">The words <c>NAME=VALUE</c>.</param>
    /// <param name="cancellation">Cancels the question for the schema.</param>
    /// <exception cref="PipeForkAsException">The daemon does not describe the job, or the pairs do not match the schema.</exception>
    public static async Task<ReadOnlyMemory<byte>> ReadAsync(
        PipeForkAsClient client, string job, string? json, IReadOnlyList<string> pairs, CancellationToken cancellation = default)
    {
        if (json is not null)
            return Encoding.UTF8.GetBytes(json);
        if (pairs.Count == 0)
            return default;

        JobDescription description = await client.DescribeAsync(job, cancellation);
        return ArgumentPairs.ToJson(pairs, description.Arguments);
    }
}
