using System.Runtime.CompilerServices;
using System.Text.Json.Serialization.Metadata;

using PipeForkAs.Client.Exchanges;

namespace PipeForkAs.Client;

/// <summary>Adds typed calls and lines to each <see cref="IPipeForkAsClient"/>.</summary>
public static class PipeForkAsClientExtensions
{
    /// <summary>Runs a job with an object as its arguments, and reads its standard output as an object. Both are JSON.</summary>
    /// <typeparam name="TArguments">The arguments: a type whose JSON is an object.</typeparam>
    /// <typeparam name="TResult">The result.</typeparam>
    /// <param name="client">The client.</param>
    /// <param name="job">The job's name.</param>
    /// <param name="arguments">The arguments.</param>
    /// <param name="argumentsInfo">The arguments' JSON type information, from a <c>JsonSerializerContext</c> of your project.</param>
    /// <param name="resultInfo">The result's JSON type information, in the same way.</param>
    /// <param name="user">User to run the job as: a user name, or a uid in digits. Default: the calling user.</param>
    /// <param name="timeout">How long the job may run, more than zero; it can only shorten the configured limits.</param>
    /// <param name="cancellationToken">Closes the connection; the daemon then cancels the job.</param>
    /// <exception cref="JobFailedException">The job did not succeed, or the daemon did not run it.</exception>
    /// <exception cref="JobOutputFormatException">The output is not JSON of this type, or is <c>null</c>.</exception>
    /// <exception cref="OutputTooLargeException">
    /// The job wrote more than <see cref="PipeForkAsClient.DefaultCaptureBytes"/>; the daemon cancels it.
    /// </exception>
    /// <inheritdoc cref="IPipeForkAsClient.RunAsync" path="/exception"/>
    public static async Task<TResult> RunAsync<TArguments, TResult>(
        this IPipeForkAsClient client,
        string job,
        TArguments arguments,
        JsonTypeInfo<TArguments> argumentsInfo,
        JsonTypeInfo<TResult> resultInfo,
        string? user = null,
        TimeSpan? timeout = null,
        CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(client);
        JobRequest request = new JobRequest(job) { User = user, Timeout = timeout }.WithArguments(arguments, argumentsInfo);
        JobOutput output = await client.CaptureAsync(request, cancellationToken: cancellationToken).ConfigureAwait(false);
        return output.EnsureSuccess().ReadJson(resultInfo);
    }

    /// <summary>Runs a job and returns the lines of its standard output (UTF-8, each ended by <c>\n</c> or <c>\r\n</c>) while it runs. The
    /// job waits while the caller does not read. Leaving the loop cancels a running job.
    /// </summary>
    /// <param name="client">The client.</param>
    /// <param name="request">The job to run.</param>
    /// <param name="input">The job's standard input, as for <see cref="IPipeForkAsClient.RunAsync"/>.</param>
    /// <param name="maxLineBytes">The longest line in bytes, more than 0.</param>
    /// <param name="cancellationToken">Closes the connection; the daemon then cancels the job.</param>
    /// <exception cref="JobFailedException">Thrown after the last line: the job did not succeed, or the daemon did not run it.</exception>
    /// <exception cref="OutputTooLargeException">
    /// A line is longer than <paramref name="maxLineBytes"/>; the daemon cancels the job.
    /// </exception>
    /// <inheritdoc cref="IPipeForkAsClient.RunAsync" path="/exception"/>
    public static IAsyncEnumerable<string> ReadLinesAsync(
        this IPipeForkAsClient client,
        JobRequest request,
        Stream? input = null,
        int maxLineBytes = PipeForkAsClient.DefaultCaptureBytes,
        CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(client);
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(maxLineBytes);
        return LinesAsync(client, request, input, maxLineBytes, cancellationToken);
    }

    private static async IAsyncEnumerable<string> LinesAsync(
        IPipeForkAsClient client,
        JobRequest request,
        Stream? input,
        int maxLineBytes,
        [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        Stream output = await client.OpenReadAsync(request, input, null, cancellationToken).ConfigureAwait(false);
        await using (output.ConfigureAwait(false))
        {
            LineReader lines = new(output, maxLineBytes);
            while (await lines.ReadAsync(cancellationToken).ConfigureAwait(false) is { } line)
                yield return line;
        }
    }
}
